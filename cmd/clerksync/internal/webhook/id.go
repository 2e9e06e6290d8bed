package webhook

import (
	"crypto/rand"
	"encoding/binary"
	"math/big"
	"sync"
	"time"

	"github.com/segmentio/ksuid"
)

// newest is the greatest id that this process has made.
//
//nolint:gochecknoglobals // ids grow within the process, whoever makes them
var newest struct {
	sync.Mutex
	id ksuid.KSUID
}

// NewID returns a message id as Svix makes them, msg_ and a KSUID, which sorts by
// time as text: of two messages with the same times in them the later one wins,
// for the id decides then. A KSUID has seconds. The bits that follow are free, so
// they begin with the nanoseconds, by which ids of two processes sort within one
// second; within a process each id is greater than the one before, whatever the
// clock does.
func NewID(now time.Time) string {
	var payload [16]byte
	binary.BigEndian.PutUint32(payload[:4], uint32(now.Nanosecond())) //nolint:gosec // below 2^30
	_, _ = rand.Read(payload[4:])                                     // never fails
	id, err := ksuid.FromParts(now, payload[:])
	if err != nil {
		panic(err) // the payload has another length than a KSUID's
	}
	newest.Lock()
	defer newest.Unlock()
	if ksuid.Compare(id, newest.id) <= 0 {
		id = newest.id.Next()
	}
	newest.id = id
	return "msg_" + id.String()
}

// RandomID returns the prefix and 27 random letters and digits.
func RandomID(prefix string) string {
	const characters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	id := []byte(prefix)
	for range 27 {
		i, _ := rand.Int(rand.Reader, big.NewInt(int64(len(characters)))) // never fails
		id = append(id, characters[i.Int64()])
	}
	return string(id)
}
