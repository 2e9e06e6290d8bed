package dynamodb

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/clerksync/clerksync/internal/emulator/awsjson"
)

// arnPrefix is what the ARNs of all tables begin with.
const arnPrefix = "arn:aws:dynamodb:us-east-1:000000000000:table/"

var tableName = regexp.MustCompile(`^[a-zA-Z0-9_.-]{3,255}$`)

type attributeDefinition struct{ AttributeName, AttributeType string }

type keyElement struct{ AttributeName, KeyType string }

type projection struct {
	ProjectionType   string
	NonKeyAttributes []string `json:",omitempty"`
}

type throughput struct{ ReadCapacityUnits, WriteCapacityUnits int64 }

type indexInput struct {
	IndexName             string
	KeySchema             []keyElement
	Projection            projection
	ProvisionedThroughput *throughput
}

// createTableInput has the members of CreateTable that are known here.
type createTableInput struct {
	TableName              string
	AttributeDefinitions   []attributeDefinition
	KeySchema              []keyElement
	BillingMode            string
	ProvisionedThroughput  *throughput
	GlobalSecondaryIndexes []indexInput
}

// tableInput is the part of an input that names a table.
type tableInput struct{ TableName string }

func (in tableInput) tableName() string { return in.TableName }

// onTable makes an operation of a function on the table that the input names. It
// runs under the lock.
func onTable[In interface{ tableName() string }](s *service, do func(*table, In) (any, error)) awsjson.Operation {
	return awsjson.Handle(func(in In) (any, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		t, err := s.table(in.tableName())
		if err != nil {
			return nil, err
		}
		return do(t, in)
	})
}

func (s *service) createTable(in createTableInput) (any, error) {
	in.TableName = nameOf(in.TableName)
	if !tableName.MatchString(in.TableName) {
		return nil, badName(in.TableName, "tableName")
	}
	t, err := newTable(in)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.tables[in.TableName]; ok {
		return nil, refuse("ResourceInUseException", "Table already exists: %s", in.TableName)
	}
	t.created = s.now()
	s.tables[in.TableName] = t
	return struct{ TableDescription description }{t.describe()}, nil
}

func badName(name, member string) error {
	return unsatisfied(name, member, "3 to 255 of a-z, A-Z, 0-9, '_', '-' and '.'")
}

// newTable makes a table, or refuses what CreateTable asks for: keys that are not
// defined, attributes that no key uses, or more indexes than a table may have.
func newTable(in createTableInput) (*table, error) {
	t := &table{name: in.TableName, definition: in}
	kinds := map[string]string{}
	for _, d := range in.AttributeDefinitions {
		if !slices.Contains([]string{"S", "N", "B"}, d.AttributeType) {
			return nil, invalid("Member must satisfy enum value set: [B, N, S]")
		}
		kinds[d.AttributeName] = d.AttributeType
	}
	var err error
	if t.key, err = newKeySchema(in.KeySchema, kinds); err != nil {
		return nil, err
	}
	if err := checkBilling(in.BillingMode, in.ProvisionedThroughput); err != nil {
		return nil, err
	}
	used := map[string]bool{t.key.hash.name: true, t.key.sort.name: true}
	for _, x := range in.GlobalSecondaryIndexes {
		if len(t.indexes) == 20 {
			return nil, badParameter("GlobalSecondaryIndex count exceeds the per-table limit of 20")
		}
		key, err := newKeySchema(x.KeySchema, kinds)
		if err != nil {
			return nil, err
		}
		if err := t.checkNewIndex(x); err != nil {
			return nil, err
		}
		used[key.hash.name], used[key.sort.name] = true, true
		t.indexes = append(t.indexes, &index{name: x.IndexName, key: key, projection: x.Projection})
	}
	delete(used, "")
	if len(used) != len(in.AttributeDefinitions) {
		return nil, badParameter("Number of attributes in KeySchema does not exactly match number of attributes " +
			"defined in AttributeDefinitions")
	}
	return t, nil
}

// checkNewIndex refuses an index by its name or by what it is to project.
func (t *table) checkNewIndex(x indexInput) error {
	if !tableName.MatchString(x.IndexName) {
		return badName(x.IndexName, "indexName")
	}
	if _, err := t.index(x.IndexName); err == nil {
		return badParameter("Duplicate index name: %s", x.IndexName)
	}
	switch listed := len(x.Projection.NonKeyAttributes) > 0; x.Projection.ProjectionType {
	case "INCLUDE":
		if !listed {
			return badParameter("ProjectionType is INCLUDE, but NonKeyAttributes is not specified")
		}
	case "ALL", "KEYS_ONLY":
		if listed {
			return badParameter("ProjectionType is %s, but NonKeyAttributes is specified", x.Projection.ProjectionType)
		}
	default:
		return badParameter("Unknown ProjectionType: %s", x.Projection.ProjectionType)
	}
	return nil
}

// newKeySchema reads a key of a hash attribute and perhaps a sort attribute, whose
// types the table defines.
func newKeySchema(elements []keyElement, kinds map[string]string) (keySchema, error) {
	var key keySchema
	if len(elements) < 1 || len(elements) > 2 || elements[0].KeyType != "HASH" {
		return key, invalid("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
	}
	for i, e := range elements {
		part := keyAttribute{e.AttributeName, kinds[e.AttributeName]}
		if part.kind == "" {
			return key, badParameter("Some index key attributes are not defined in AttributeDefinitions: %s",
				e.AttributeName)
		}
		if i == 0 {
			key.hash = part
			continue
		}
		if e.KeyType != "RANGE" || part == key.hash {
			return key, invalid("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type of its own")
		}
		key.sort = part
	}
	return key, nil
}

// checkBilling refuses a throughput that does not fit the mode. What is accepted
// is given back by DescribeTable and limits nothing.
func checkBilling(mode string, provisioned *throughput) error {
	switch mode {
	case "PAY_PER_REQUEST":
		if provisioned != nil {
			return badParameter("Neither ReadCapacityUnits nor WriteCapacityUnits can be specified " +
				"when BillingMode is PAY_PER_REQUEST")
		}
	case "", "PROVISIONED":
		if provisioned == nil {
			return badParameter("ReadCapacityUnits and WriteCapacityUnits must both be specified " +
				"when BillingMode is PROVISIONED")
		}
	default:
		return invalid("Member must satisfy enum value set: [PROVISIONED, PAY_PER_REQUEST]")
	}
	return nil
}

// nameOf is the name of a table that a request names by its name or its ARN:
// every TableName may be either. The ARN of another account or region is
// returned as it is, and names no table here.
func nameOf(nameOrARN string) string { return strings.TrimPrefix(nameOrARN, arnPrefix) }

// table finds a table by its name or its ARN; the caller holds the lock.
func (s *service) table(name string) (*table, error) {
	t, ok := s.tables[nameOf(name)]
	if !ok {
		return nil, notFound(name)
	}
	return t, nil
}

func describeTable(t *table, _ tableInput) (any, error) {
	return struct{ Table description }{t.describe()}, nil
}

func (s *service) deleteTable(t *table, _ tableInput) (any, error) {
	delete(s.tables, t.name)
	last := t.describe()
	last.TableStatus = "DELETING"
	return struct{ TableDescription description }{last}, nil
}

type listTablesInput struct {
	ExclusiveStartTableName string
	Limit                   *int
}

// listTables lists names in their order; the last one of a page is its token.
func (s *service) listTables(in listTablesInput) (any, error) {
	limit := 100
	if in.Limit != nil {
		limit = *in.Limit
	}
	if limit < 1 || limit > 100 {
		return nil, unsatisfied(limit, "limit", "1 to 100")
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := struct {
		TableNames             []string
		LastEvaluatedTableName string `json:",omitempty"`
	}{TableNames: []string{}}
	for _, name := range slices.Sorted(maps.Keys(s.tables)) {
		if name <= in.ExclusiveStartTableName {
			continue
		}
		if len(out.TableNames) == limit {
			out.LastEvaluatedTableName = out.TableNames[limit-1]
			break
		}
		out.TableNames = append(out.TableNames, name)
	}
	return out, nil
}
