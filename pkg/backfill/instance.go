package backfill

import (
	"fmt"
	"slices"
	"strings"
)

// InstanceError says that a key is of another Clerk instance than what it was to
// fill: were its objects written, the table would be a mixture of two.
type InstanceError struct {
	Key    string   // the instance of the secret key
	Others []string // those of the deployment or of the rows
	What   string   // "the deployment" or "rows"
}

// Error names both sides: one of them is what the user did not expect.
func (e *InstanceError) Error() string {
	return fmt.Sprintf("the secret key belongs to Clerk instance %s, %s to %s: nothing was read or written",
		e.Key, e.What, strings.Join(e.Others, ", "))
}

// CheckInstance says whether objects of an instance may go into a table.
// configured are the instances of CLERK_INSTANCE_ID, empty where it is not set;
// found are those that the `instance_id` of rows name. Rows of an instance that is
// configured are no error: several instances may share a table.
func CheckInstance(id string, configured, found []string) error {
	if len(configured) > 0 && !slices.Contains(configured, id) {
		return &InstanceError{Key: id, Others: configured, What: "the deployment"}
	}
	if len(configured) == 0 {
		configured = []string{id}
	}
	// One row is enough: whoever filled it with another key will have filled others.
	var others []string
	for _, f := range found {
		if f != "" && !slices.Contains(configured, f) && !slices.Contains(others, f) {
			others = append(others, f)
		}
	}
	if len(others) > 0 {
		slices.Sort(others)
		return &InstanceError{Key: id, Others: others, What: "rows of the table"}
	}
	return nil
}
