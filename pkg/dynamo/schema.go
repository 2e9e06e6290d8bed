package dynamo

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/clerksync/clerksync/pkg/directory"
)

// DirectorySchema is the Directory table as template.yaml makes it, for
// commands and tests that create it elsewhere. Its indexes hold keys only: a
// reader reads the row itself, consistently.
func DirectorySchema(table string) *dynamodb.CreateTableInput {
	in := &dynamodb.CreateTableInput{
		TableName:   &table,
		BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			stringAttribute(directory.AttrPK), stringAttribute(directory.AttrSK),
		},
		KeySchema: []types.KeySchemaElement{
			keyElement(directory.AttrPK, types.KeyTypeHash), keyElement(directory.AttrSK, types.KeyTypeRange),
		},
	}
	for _, name := range directory.Indexes() {
		in.AttributeDefinitions = append(in.AttributeDefinitions, stringAttribute(name))
		in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{
			IndexName:  &name,
			KeySchema:  []types.KeySchemaElement{keyElement(name, types.KeyTypeHash)},
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
		})
	}
	return in
}

// DeliveriesSchema is the Deliveries table as template.yaml makes it, but for
// its expiry, which is switched on by another call.
func DeliveriesSchema(table string) *dynamodb.CreateTableInput {
	return &dynamodb.CreateTableInput{
		TableName:            &table,
		BillingMode:          types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{stringAttribute(directory.AttrSvixID)},
		KeySchema:            []types.KeySchemaElement{keyElement(directory.AttrSvixID, types.KeyTypeHash)},
	}
}

func stringAttribute(name string) types.AttributeDefinition {
	return types.AttributeDefinition{AttributeName: aws.String(name), AttributeType: types.ScalarAttributeTypeS}
}

func keyElement(name string, kind types.KeyType) types.KeySchemaElement {
	return types.KeySchemaElement{AttributeName: aws.String(name), KeyType: kind}
}
