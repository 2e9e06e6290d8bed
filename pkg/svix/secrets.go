package svix

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"strings"
	"sync"
	"unicode"
)

// MinKeyBytes is the size of the smallest signing key that is accepted. Svix makes
// keys of 24 to 75 bytes.
const MinKeyBytes = 24

const (
	secretPrefix = "whsec_"
	version      = "v1"
	macText      = 44 // base64 of 32 bytes, padded
)

// Secrets verifies and signs with one or several keys. During a rotation two
// are valid: https://docs.svix.com/receiving/verifying-payloads/how. The zero
// value holds none and verifies nothing. It is safe for concurrent use.
type Secrets struct{ keys []*key }

// key is a signing key. Its pool keeps HMAC states whose two padded key blocks are
// hashed already, which saves a third of the time for a message of 2 KB.
type key struct {
	bytes []byte
	pool  sync.Pool
}

// ParseSecrets reads one or several `whsec_` + padded standard base64 of at
// least 24 bytes, separated by commas or white space. One bad entry makes the
// whole text bad: else a mistyped secret would be noticed only when the good one
// beside it is revoked. The error names the entry by its number and never holds
// any of the text.
func ParseSecrets(text string) (*Secrets, error) {
	entries := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || unicode.IsSpace(r) })
	if len(entries) == 0 {
		return nil, errors.New("holds no secret")
	}
	s := &Secrets{}
	for i, e := range entries {
		encoded, ok := strings.CutPrefix(e, secretPrefix)
		if !ok {
			return nil, fmt.Errorf("entry %d is not a whsec_ secret", i+1)
		}
		b, err := base64.StdEncoding.Strict().DecodeString(encoded)
		if err != nil {
			return nil, fmt.Errorf("entry %d is not padded standard base64 after whsec_", i+1)
		}
		if len(b) < MinKeyBytes {
			return nil, fmt.Errorf("entry %d holds %d bytes, a signing secret at least %d", i+1, len(b), MinKeyBytes)
		}
		k := &key{bytes: b}
		k.pool.New = func() any { return hmac.New(sha256.New, k.bytes) }
		s.keys = append(s.keys, k)
	}
	return s, nil
}

// Len is the number of secrets.
func (s *Secrets) Len() int { return len(s.keys) }

// Verify says whether any v1 entry of the signature header is the MAC of the
// signed bytes under any secret, by constant-time comparison, else
// ErrInvalidSignature. It does not look at the clock: see Headers.Check.
// A header without a well-formed entry is refused before the body is hashed.
func (s *Secrets) Verify(h Headers, body []byte) error {
	var buf [8][sha256.Size]byte
	macs := decodeSignatures(buf[:0], h.Signature)
	if len(macs) == 0 {
		return ErrInvalidSignature
	}
	for _, k := range s.keys {
		want := k.mac(h.ID, h.Timestamp, body)
		for i := range macs {
			if hmac.Equal(macs[i][:], want[:]) {
				return nil
			}
		}
	}
	return ErrInvalidSignature
}

// Sign returns the value of the signature header: one v1 entry per secret.
func (s *Secrets) Sign(id, timestamp string, body []byte) string {
	entries := make([]string, len(s.keys))
	for i, k := range s.keys {
		m := k.mac(id, timestamp, body)
		entries[i] = version + "," + base64.StdEncoding.EncodeToString(m[:])
	}
	return strings.Join(entries, " ")
}

// Equal says whether both hold the same keys in the same order.
func (s *Secrets) Equal(o *Secrets) bool {
	if len(s.keys) != len(o.keys) {
		return false
	}
	for i := range s.keys {
		if !hmac.Equal(s.keys[i].bytes, o.keys[i].bytes) {
			return false
		}
	}
	return true
}

func (k *key) mac(id, timestamp string, body []byte) (sum [sha256.Size]byte) {
	h := k.pool.Get().(hash.Hash) //nolint:forcetypeassert // the pool holds nothing else
	h.Reset()
	var pre [MaxIDLength + 16]byte
	b := append(pre[:0], id...)
	b = append(b, '.')
	b = append(b, timestamp...)
	b = append(b, '.')
	h.Write(b)
	h.Write(body)
	h.Sum(sum[:0])
	k.pool.Put(h)
	return sum
}

// decodeSignatures appends the MACs of a header's well-formed v1 entries;
// entries of other versions and malformed ones are skipped. A comma after an
// entry begins another one, because a gateway joins repeated headers by commas.
func decodeSignatures(dst [][sha256.Size]byte, header string) [][sha256.Size]byte {
	for entries := range strings.SplitSeq(header, " ") {
		for entries != "" {
			var v string
			v, entries, _ = strings.Cut(entries, ",")
			// The text is not cut off yet: after a malformed entry it is not a
			// signature but the version of the next entry.
			text, _, _ := strings.Cut(entries, ",")
			if v != version || len(text) != macText {
				continue
			}
			var b [macText / 4 * 3]byte
			if n, err := base64.StdEncoding.Strict().Decode(b[:], []byte(text)); err == nil && n == sha256.Size {
				dst = append(dst, [sha256.Size]byte(b[:n]))
			}
		}
	}
	return dst
}
