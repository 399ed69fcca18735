package passwords

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// cost is what an argon2id hash takes to compute.
type cost struct {
	memory uint32 // KiB
	passes uint32
	lanes  uint8
}

// Bounds of what a stored hash may ask for, so that one row cannot take the machine down.
const (
	maxMemory = 256 * 1024       // KiB
	maxWork   = 4 * maxMemory    // KiB × passes
	maxLanes  = 16               //
	minSalt   = 8                // RFC 9106 §3.1
	maxSalt   = 64               //
	minKey    = 16               //
	maxKey    = 64               //
	maxPHC    = 3 * (64 + 2*128) // longer than any of ours
)

// phc is a hash in the PHC string format: $argon2id$v=19$m=19456,t=2,p=1$SALT$KEY.
type phc struct {
	cost
	salt, key []byte
}

var errMalformed = errors.New("not a hash of a known form")

// String encodes the hash.
func (p phc) String() string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s", p.memory, p.passes, p.lanes, b64.EncodeToString(p.salt), b64.EncodeToString(p.key))
}

// parse reads exactly what String writes, with parameters in bounds.
func parse(s string) (p phc, err error) {
	if len(s) > maxPHC {
		return phc{}, errMalformed
	}
	f := strings.Split(s, "$")
	if len(f) != 6 || f[0] != "" || f[1] != "argon2id" || f[2] != "v=19" {
		return phc{}, errMalformed
	}
	if p.cost, err = parseCost(f[3]); err != nil {
		return phc{}, err
	}
	b64 := base64.RawStdEncoding.Strict()
	if p.salt, err = b64.DecodeString(f[4]); err != nil || len(p.salt) < minSalt || len(p.salt) > maxSalt {
		return phc{}, errMalformed
	}
	if p.key, err = b64.DecodeString(f[5]); err != nil || len(p.key) < minKey || len(p.key) > maxKey {
		return phc{}, errMalformed
	}
	if p.String() != s { // base64 skips line breaks, numbers may have leading zeros
		return phc{}, errMalformed
	}
	return p, nil
}

func parseCost(s string) (c cost, err error) {
	f := strings.Split(s, ",")
	if len(f) != 3 {
		return cost{}, errMalformed
	}
	var n [3]uint64
	for i, key := range []string{"m=", "t=", "p="} {
		digits, ok := strings.CutPrefix(f[i], key)
		if !ok {
			return cost{}, errMalformed
		}
		if n[i], err = strconv.ParseUint(digits, 10, 32); err != nil {
			return cost{}, errMalformed
		}
	}
	memory, passes, lanes := n[0], n[1], n[2]
	switch {
	case lanes < 1, passes < 1, memory < 8*lanes: // RFC 9106 §3.1
		return cost{}, errMalformed
	case lanes > maxLanes, memory > maxMemory, memory*passes > maxWork:
		return cost{}, fmt.Errorf("its cost m=%d,t=%d,p=%d is beyond reason", memory, passes, lanes)
	}
	return cost{uint32(memory), uint32(passes), uint8(lanes)}, nil
}
