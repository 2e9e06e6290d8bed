package console

import (
	"strconv"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	"github.com/clerksync/clerksync/pkg/directory"
)

// snippet reads a row in one language.
type snippet struct{ Language, Text string }

// snippets are the calls of docs/reading.md for a row. Where pkg/reader and the
// classes there have a call for its kind they use that; any other row is read by
// its key.
func (c *Console) snippets(k directory.Key, row deployment.Record) []snippet {
	d, q := c.options.Deployment, strconv.Quote
	id, pk, sk, table := row.ID(), q(k.PK), q(k.SK), q(d.DirectoryTable)
	goCall := "out, err := client.GetItem(ctx, &dynamodb.GetItemInput{\n\tTableName: aws.String(" + table + "),\n" +
		"\tKey: map[string]types.AttributeValue{\n\t\t\"pk\": &types.AttributeValueMemberS{Value: " + pk + "},\n" +
		"\t\t\"sk\": &types.AttributeValueMemberS{Value: " + sk + "},\n\t},\n\tConsistentRead: aws.Bool(true),\n})\n"
	script := ".live(" + pk + ", " + sk + ")"
	shell := "aws dynamodb get-item --consistent-read --table-name " + terminal.Quote(d.DirectoryTable) +
		c.awsEndpoint() + " \\\n  --key " + terminal.Quote(`{"pk":{"S":`+pk+`},"sk":{"S":`+sk+`}}`)
	reader := func(result, call string) {
		goCall = "directory := reader.New(client, " + table + ")\n" + result + ", err := directory." + call + "\n"
	}
	python := script // the two classes have the same methods
	switch row.Text(directory.AttrKind) {
	case directory.KindUser:
		reader("user", "User(ctx, "+q(id)+")")
		script, python = ".user("+q(id)+")", ".user("+q(id)+")"
		shell = "clerksync get user " + terminal.Quote(id) + c.targetFlags()
	case directory.KindOrganization:
		reader("organization", "Organization(ctx, "+q(id)+")")
		shell = "clerksync get org " + terminal.Quote(id) + c.targetFlags()
	case directory.KindMembership, directory.KindMembershipOf:
		user, org := row.Text("user_id"), row.Text("org_id")
		if user == "" || org == "" {
			break // by its key alone: a tombstone that has its key alone
		}
		reader("membership", "Membership(ctx, "+q(user)+", "+q(org)+")")
		script, python = ".membership("+q(user)+", "+q(org)+")", ".membership("+q(user)+", "+q(org)+")"
		shell = "clerksync get members " + terminal.Quote(org) + c.targetFlags()
	}
	return []snippet{
		{"Go, with pkg/reader and the SDK", "client := dynamodb.NewFromConfig(cfg)\n" + goCall},
		{
			"TypeScript, with docs/examples/reading/sdk.ts",
			"const directory = new Directory(" + table + ");\nconst row = await directory" + script + ";\n",
		},
		{
			"Python, with docs/examples/reading/reading.py",
			"directory = Directory(boto3.resource(\"dynamodb\"), " + table + ")\nrow = directory" + python + "\n",
		},
		{"Command line", shell + "\n"},
	}
}

// targetFlags are what makes another command look where this console does, with a
// space before them.
func (c *Console) targetFlags() string {
	if dev := c.options.Dev; dev != nil {
		names := deployment.Names{}
		if endpoint := dev.Describe().EndpointURL; endpoint != deployment.DefaultEndpointURL {
			names.EndpointURL = endpoint
		}
		return names.Flags()
	}
	return c.options.Deployment.Names.TableFlags()
}

// awsEndpoint is targetFlags for the AWS CLI.
func (c *Console) awsEndpoint() string {
	if base := c.options.Deployment.AWS.BaseEndpoint; base != nil {
		return " --endpoint-url " + terminal.Quote(*base)
	}
	return ""
}
