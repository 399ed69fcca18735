package im

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"
)

// History returns up to limit messages said from one moment to before another, in their order, after a message of a former
// answer. Withdrawals, edits, receipts and notices are no messages of their own. more tells whether others follow. It needs an app token.
func (s *Service) History(ctx context.Context, c Caller, from, to time.Time, after MessageID, limit int) (messages []Message, more bool, err error) {
	if err := c.mustBeApp(); err != nil {
		return nil, false, err
	}
	err = s.store.View(ctx, func(tx Tx) (err error) {
		messages, err = tx.Messages(c.App.ID, max(after, MessageIDAt(from)-1), MessageIDAt(to), limit+1)
		return err
	})
	if len(messages) > limit {
		messages, more = messages[:limit], true
	}
	return messages, more, err
}

const (
	hourFormat   = "2006010215" // yyyyMMddHH
	linkLife     = time.Hour
	historyBatch = 500
)

// HistoryFile names all messages of one hour to who holds it, whoever that is, until it expires.
type HistoryFile struct {
	Hour      string // yyyyMMddHH in the app's zone
	Expires   int64  // Unix seconds
	Signature string
}

// hour reads the hour of a history file. Errors: ErrHistoryFormat.
func (s Settings) hour(text string) (time.Time, error) {
	zone := time.FixedZone("", s.HistoryZone*60*60)
	t, err := time.ParseInLocation(hourFormat, text, zone)
	if err != nil || len(text) != len(hourFormat) {
		return t, ErrHistoryFormat.With(text)
	}
	return t, nil
}

// HistoryFile finds the messages of an hour, once it has passed. It needs an app token. Errors: ErrHistoryFormat, ErrHistoryOld,
// ErrHistoryNone: there are none, or more may come.
func (s *Service) HistoryFile(ctx context.Context, c Caller, hour string) (HistoryFile, error) {
	if err := c.mustBeApp(); err != nil {
		return HistoryFile{}, err
	}
	begin, err := c.App.Settings.hour(hour)
	if err != nil {
		return HistoryFile{}, err
	}
	now, end, days := s.clock.Now(), begin.Add(time.Hour), c.App.Settings.MessageDays
	switch {
	case days > 0 && !end.After(now.AddDate(0, 0, -days)):
		return HistoryFile{}, ErrHistoryOld.With(hour)
	case now.Before(end.Add(bornMargin)): // who took an id within the hour has committed by then
		return HistoryFile{}, ErrHistoryNone.With(hour)
	}
	some, _, err := s.History(ctx, c, begin, end, 0, 1)
	if err != nil {
		return HistoryFile{}, err
	}
	if len(some) == 0 {
		return HistoryFile{}, ErrHistoryNone.With(hour)
	}
	f := HistoryFile{Hour: hour, Expires: now.Add(linkLife).Unix()}
	f.Signature, err = s.sign(ctx, c.App, f)
	return f, err
}

// sign is what only this server can write on a file.
func (s *Service) sign(ctx context.Context, app *App, f HistoryFile) (string, error) {
	key, err := s.secret(ctx, app.ID, "history")
	if err != nil {
		return "", err
	}
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(f.Hour + "\n" + strconv.FormatInt(f.Expires, 10))) // never fails
	return hex.EncodeToString(mac.Sum(nil)), nil
}

// ReadHistoryFile gives the messages of a file to each, some at a time and in their order. It needs no token: the signature
// is as good. Errors: ErrLinkBad, ErrHistoryFormat, those of each.
func (s *Service) ReadHistoryFile(ctx context.Context, app *App, f HistoryFile, each func([]Message) error) error {
	signature, err := s.sign(ctx, app, f)
	if err != nil {
		return err
	}
	if !hmac.Equal([]byte(signature), []byte(f.Signature)) || s.clock.Now().Unix() >= f.Expires {
		return ErrLinkBad
	}
	begin, err := app.Settings.hour(f.Hour)
	if err != nil {
		return err
	}
	for after, more := MessageID(0), true; more; {
		var messages []Message
		messages, more, err = s.History(ctx, AppCaller(app), begin, begin.Add(time.Hour), after, historyBatch)
		if err != nil || len(messages) == 0 {
			return err
		}
		if err := each(messages); err != nil {
			return err
		}
		after = messages[len(messages)-1].ID
	}
	return nil
}
