package reader_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/clerksync/clerksync/events"
	"github.com/clerksync/clerksync/internal/emulator"
	"github.com/clerksync/clerksync/pkg/backfill"
	"github.com/clerksync/clerksync/pkg/clerkapi"
	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/dynamo"
	"github.com/clerksync/clerksync/pkg/dynamo/dynamotest"
	"github.com/clerksync/clerksync/pkg/projector"
	"github.com/clerksync/clerksync/pkg/reader"
	"github.com/clerksync/clerksync/pkg/reader/readertest"
)

// The sample company, Lumen & Oak.
const (
	table    = "clerksync-directory"
	lumenOak = "org_2exampleLumenOak00000000000"
	jonah    = "user_2exampleJonahAdeyemi0000000"
)

// clientOfTheCompany returns a client whose table has the sample company, on an
// emulator of its own. An application makes its client from the SDK's
// configuration: dynamodb.NewFromConfig(cfg).
func clientOfTheCompany(ctx context.Context) (client *dynamodb.Client, stop func()) {
	e, err := emulator.Start(ctx, "127.0.0.1:0", emulator.New(emulator.Options{}))
	if err != nil {
		log.Fatal(err)
	}
	client = dynamodb.NewFromConfig(e.Config)
	names := dynamotest.Names{Directory: table, Deliveries: "clerksync-deliveries"}
	for _, in := range []*dynamodb.CreateTableInput{
		dynamo.DirectorySchema(names.Directory), dynamo.DeliveriesSchema(names.Deliveries),
	} {
		if _, err := client.CreateTable(ctx, in); err != nil {
			log.Fatal(err)
		}
	}
	sync := readertest.NewSync(client, names, consumer.Soft)
	for _, name := range []string{
		"organization.created", "user.created", "user.created.founder", "organizationMembership.created.founder",
		"organizationMembership.created", "role.created", "organizationMembership.updated",
	} {
		body, err := events.Body(name)
		if err == nil {
			err = sync.Apply(ctx, string(body))
		}
		if err != nil {
			log.Fatal(err)
		}
	}
	return client, e.Close
}

func ExampleReader_User() {
	ctx := context.Background()
	client, stop := clientOfTheCompany(ctx)
	defer stop()

	directory := reader.New(client, table)
	user, err := directory.User(ctx, jonah)
	fmt.Println(user.FirstName, user.Email, err)

	_, err = directory.User(ctx, "user_nobody")
	switch {
	case errors.Is(err, reader.ErrNotFound):
		fmt.Println("never there, or on its way")
	case errors.Is(err, reader.ErrDeleted):
		fmt.Println("deleted")
	case err != nil:
		fmt.Println("nobody knows: answer 503")
	}
	// Output:
	// Jonah jonah@lumenoak.example <nil>
	// never there, or on its way
}

func ExampleReader_UserByEmail() {
	ctx := context.Background()
	client, stop := clientOfTheCompany(ctx)
	defer stop()

	user, err := reader.New(client, table).UserByEmail(ctx, "Jonah@LumenOak.example")
	fmt.Println(user.ID, user.EmailVerified, err)
	// Output:
	// user_2exampleJonahAdeyemi0000000 true <nil>
}

func ExampleReader_Members() {
	ctx := context.Background()
	client, stop := clientOfTheCompany(ctx)
	defer stop()

	for member, err := range reader.New(client, table).Members(ctx, lumenOak) {
		if err != nil {
			log.Fatal(err)
		}
		if member.User != nil { // else the user's own event is on its way
			fmt.Println(member.User.FirstName, member.Role)
		}
	}
	// Output:
	// Jonah org:producer
	// Mara org:admin
}

func ExampleReader_Memberships() {
	ctx := context.Background()
	client, stop := clientOfTheCompany(ctx)
	defer stop()

	for membership, err := range reader.New(client, table).Memberships(ctx, jonah) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(membership.OrganizationID, membership.Role)
	}
	// Output:
	// org_2exampleLumenOak00000000000 org:producer
}

func ExampleReader_Authorize() {
	ctx := context.Background()
	client, stop := clientOfTheCompany(ctx)
	defer stop()

	directory := reader.New(client, table)
	for _, permission := range []string{"org:orders:approve", "org:orders:delete"} {
		allowed, err := directory.Authorize(ctx, jonah, lumenOak, permission)
		fmt.Println(permission, allowed, err)
	}
	// Output:
	// org:orders:approve true <nil>
	// org:orders:delete false <nil>
}

// A user whose webhook is on its way is read from Clerk.
func ExampleWithClerk() {
	ctx := context.Background()
	client, stop := clientOfTheCompany(ctx)
	defer stop()
	secretKey, instanceID := "sk_live_...", "ins_2exampleLumenOak00000000000"

	api, err := clerkapi.New(clerkapi.Options{Key: secretKey, Rate: clerkapi.ProductionRate})
	if err != nil {
		log.Fatal(err)
	}
	rows := dynamo.New(client, table, "") // without a Deliveries table, for no message is recorded
	// The stack's own settings, so that the row is as sync would write it.
	fetcher := backfill.NewFetcher(api, rows, instanceID, consumer.Soft, projector.StoreFull)
	directory := reader.New(client, table, reader.WithClerk(fetcher))

	user, err := directory.User(ctx, jonah) // he is in the table, so Clerk is not asked
	fmt.Println(user.FirstName, err)
	// Output:
	// Jonah <nil>
}
