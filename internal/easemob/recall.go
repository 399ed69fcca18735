package easemob

import (
	"encoding/json"
	"errors"
	"strings"

	"teahouse/internal/im"
)

// recallItem is one message to withdraw.
type recallItem struct {
	ID   looseText `json:"msg_id"`
	To   looseText `json:"to"`
	Chat looseText `json:"chat_type"`
	From looseText `json:"from"`
}

type recallRequest struct {
	recallItem
	Msgs []recallItem `json:"msgs"`
}

// recalled is what became of a message, in the form of single and batch calls.
type recalled struct {
	Recalled string `json:"recalled"`
	Chat     string `json:"chattype"`
	From     string `json:"from"`
	To       string `json:"to"`
	ID       string `json:"msg_id"`
}

// check wants what a withdrawal must name.
func (r recallItem) check() (id im.MessageID, to im.Address, err error) {
	for _, f := range []struct{ name, value string }{{"msg_id", r.ID.v}, {"to", r.To.v}, {"chat_type", r.Chat.v}} {
		if f.value == "" {
			return 0, to, im.ErrFieldMissing.With(f.name)
		}
	}
	if to, err = chatAddress(r.Chat.v, r.To.v); err != nil {
		return 0, to, err
	}
	id, err = im.ParseMessageID(r.ID.v)
	return id, to, err
}

func (a *API) recallOne(c *call, r recallItem) (recalled, error) {
	id, to, err := r.check()
	if err != nil {
		return recalled{}, err
	}
	from := r.From.v
	switch {
	case from == "" && c.caller.IsApp():
		from = "admin"
	case from == "":
		from = string(c.caller.User)
	}
	_, err = a.svc.Recall(c.r.Context(), c.caller, id, im.Recalling{To: to})
	return recalled{"yes", r.Chat.v, from, r.To.v, id.String()}, err
}

const maxRecalls = 30

// POST /{org}/{app}/messages/msg_recall
func (a *API) recallMessage(c *call, b recallRequest) (answer, error) {
	if b.Msgs != nil {
		return a.recallEach(c, b)
	}
	done, err := a.recallOne(c, b.recallItem)
	return answer{data: done}, err
}

// POST /{org}/{app}/messages/batch_recall: all, or those before the first that is refused.
func (a *API) recallBatch(c *call, b recallRequest) (answer, error) {
	all, err := b.items()
	for _, r := range all {
		if _, _, e := r.check(); err == nil && !errors.Is(e, im.ErrMessageNotFound) {
			err = e
		}
	}
	done := make([]recalled, len(all))
	for i, r := range all {
		if err == nil {
			done[i], err = a.recallOne(c, r)
		}
	}
	return answer{data: done}, err
}

func (b recallRequest) items() ([]recallItem, error) {
	switch {
	case len(b.Msgs) == 0:
		return nil, im.ErrFieldMissing.With("msgs")
	case len(b.Msgs) > maxRecalls:
		return nil, im.ErrBatchTooLarge.With("30")
	}
	return b.Msgs, nil
}

// outcome is what became of one message of a list.
type outcome struct {
	ID       string `json:"msg_id"`
	Recalled string `json:"recalled"`
}

type outcomes struct {
	Msgs []outcome `json:"msgs"`
}

// POST /{org}/{app}/messages/recall: the answer has no envelope and says what became of each.
func (a *API) recallEach(c *call, b recallRequest) (answer, error) {
	if b.Msgs == nil {
		b.Msgs = []recallItem{b.recallItem}
	}
	all, err := b.items()
	if err != nil {
		return answer{}, err
	}
	told := outcomes{make([]outcome, len(all))}
	for i, r := range all {
		_, err := a.recallOne(c, r)
		word := ""
		switch e := im.AsError(err); {
		case err == nil:
			word = "yes"
		case errors.Is(e, im.ErrRecallLate):
			word = "exceed recall time limit"
		case errors.Is(e, im.ErrMessageElsewhere), e.Code == im.ErrInvalid.Code, e.Code == im.ErrFieldMissing.Code && e.Arg != "msg_id":
			word = "can't find msg to"
		case errors.Is(e, im.ErrMessageNotFound), e.Code == im.ErrFieldMissing.Code:
			word = "not_found msg"
		default:
			return answer{}, err
		}
		told.Msgs[i] = outcome{r.ID.v, word}
	}
	return answer{plain: told}, nil
}

type rewriteRequest struct {
	User    looseText       `json:"user"`
	Msg     fields          `json:"new_msg"`
	Ext     json.RawMessage `json:"new_ext"`
	Combine *bool           `json:"is_combine_ext"`
}

// PUT /{org}/{app}/messages/rewrite/{message}
func (a *API) rewrite(c *call, b rewriteRequest) (answer, error) {
	text := c.r.PathValue("message")
	if strings.Trim(text, "0123456789") != "" {
		return answer{}, im.ErrInvalid.With("msg_id")
	}
	id, err := im.ParseMessageID(text)
	if err != nil {
		return answer{}, err
	}
	r := im.Rewriting{By: b.User.v, NewExt: b.Ext != nil, Combine: b.Combine == nil || *b.Combine}
	if r.Ext, err = extension(b.Ext); err != nil {
		return answer{}, err
	}
	if b.Msg.sent {
		if r.Body, err = contentWithType(b.Msg); err != nil {
			return answer{}, im.ErrEditKind
		}
	}
	_, err = a.svc.Rewrite(c.r.Context(), c.caller, id, r)
	return answer{data: "success"}, err
}
