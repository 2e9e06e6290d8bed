package readertest

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/dynamo/dynamotest"
	"github.com/clerksync/clerksync/pkg/reader"
)

// fixture is a pair of tables that one check has for itself.
type fixture struct {
	*testing.T
	client *dynamodb.Client
	names  dynamotest.Names
	*Sync
}

// reader returns a Reader of the Directory table.
func (f *fixture) reader(options ...reader.Option) *reader.Reader {
	return reader.New(f.client, f.names.Directory, options...)
}

// apply fails the test where a message is not applied.
func (f *fixture) apply(bodies ...string) {
	f.Helper()
	if err := f.Sync.Apply(f.Context(), bodies...); err != nil {
		f.Fatal(err)
	}
}

// Run holds the Reader to its promises on the engine that the client reaches.
// Each check makes tables of its own.
func Run(t *testing.T, client *dynamodb.Client) {
	t.Helper()
	for name, check := range checks() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			names := dynamotest.OpenAt(t, client)
			check(&fixture{T: t, client: client, names: names, Sync: NewSync(client, names, consumer.Soft)})
		})
	}
}

func checks() map[string]func(*fixture) {
	return map[string]func(*fixture){
		"a user has all columns":                                 checkUser,
		"an organization has all columns":                        checkOrganization,
		"a membership has all columns":                           checkMembership,
		"what was never there is told from what is deleted":      checkMissing,
		"a tombstone of a hard deletion says since when":         checkHardDeletion,
		"each index finds its row":                               checkIndexes,
		"an e-mail address is found however its A-Z are written": checkFolding,
		"of several rows of an index the newest counts":          checkSeveralHits,
		"an instance keeps to itself":                            checkInstances,
		"members come with their users' own rows":                checkMembers,
		"lists go on behind a row, in pages of any size":         checkPages,
		"memberships of a user are those that are live":          checkMemberships,
		"a permission is that of the role as it is now":          checkAuthorize,
		"roles of one key are told apart by their instance":      checkRolesOfInstances,
		"a role of a key that is used again is the newest one":   checkKeyUsedAgain,
		"a permission may be kept for 30 seconds":                checkKeptRole,
	}
}
