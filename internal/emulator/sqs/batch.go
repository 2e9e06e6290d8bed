package sqs

import "github.com/clerksync/clerksync/internal/emulator/awsjson"

// maxBatch is the number of entries that SQS takes in one request.
const maxBatch = 10

// failedEntry is an entry of a batch that was refused while others may not be.
type failedEntry struct {
	ID          string `json:"Id"`
	Code        string
	Message     string
	SenderFault bool
}

func failed(id string, err error) failedEntry {
	e := awsjson.AsError(err)
	return failedEntry{ID: id, Code: e.Code(), Message: e.Message, SenderFault: e.SenderFault()}
}

type succeededEntry struct {
	ID string `json:"Id"`
}

type batchOut struct {
	Successful []succeededEntry
	Failed     []failedEntry `json:",omitempty"`
}

// checkBatch refuses a batch as a whole: no entry or more than ten, ids that
// are malformed or not distinct.
func checkBatch[E any](entries []E, id func(E) string) error {
	if len(entries) == 0 {
		return refuseOld("EmptyBatchRequest", "There should be at least one entry in the request.")
	}
	if len(entries) > maxBatch {
		return refuseOld("TooManyEntriesInBatchRequest",
			"Maximum number of entries per request are %d. You have sent %d.", maxBatch, len(entries))
	}
	seen := make(map[string]bool)
	for _, e := range entries {
		if !validName(id(e)) {
			return refuseOld("InvalidBatchEntryId", "A batch entry id can only contain alphanumeric characters, "+
				"hyphens and underscores. It can be at most 80 letters long.")
		}
		if seen[id(e)] {
			return refuseOld("BatchEntryIdsNotDistinct", "Id %s repeated.", id(e))
		}
		seen[id(e)] = true
	}
	return nil
}
