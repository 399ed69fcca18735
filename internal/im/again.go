package im

import (
	"encoding/binary"
	"hash/fnv"
	"strconv"
)

// again is the mark under which a device's message, receipt, withdrawal or edit is stored, and found when the device says the same
// again: the device's own id, and a digest of what is said. The id alone does not tell: the web SDK has two counters of ids that
// meet, and begins anew with each page (wire/msync.md §12). Where a file was put is no part of it: who sends a file again may put it
// up again. of is the message that it is about, if any. Without an id there is no mark, and nothing is found again.
func again(client string, to Address, of MessageID, b Body, ext Fields) string {
	if client == "" {
		return ""
	}
	said := []byte{byte(b.Type), byte(to.Kind)}
	said = binary.AppendUvarint(said, uint64(of))
	put := func(s string) { said = append(binary.AppendUvarint(said, uint64(len(s))), s...) }
	put(string(to.User))
	put(string(to.Room))
	for _, f := range b.Fields {
		switch f.Name {
		case "url", "secret", "thumb", "thumb_secret":
		default:
			put(f.Name)
			put(f.Text)
		}
	}
	put("") // no field is called so
	for _, f := range ext {
		put(f.Name)
		put(f.Text)
	}
	h := fnv.New64a()
	h.Write(said) // never fails
	return client + "." + strconv.FormatUint(h.Sum64(), 36)
}

// saidBefore finds what a device of a user has said under this mark.
func saidBefore(tx Tx, app AppID, from Username, device, mark string) (MessageID, bool, error) {
	if mark == "" {
		return 0, false, nil
	}
	return tx.MessageOf(app, from, device, mark)
}
