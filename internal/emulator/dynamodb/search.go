package dynamodb

import (
	"maps"
	"math"
	"slices"
)

// maxPage is how many bytes of items one Query or Scan reads.
// Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.Pagination.html
const maxPage = 1 << 20

// searchInput has the members that Query and Scan share.
type searchInput struct {
	TableName                 string
	IndexName                 *string
	FilterExpression          *string
	ProjectionExpression      *string
	ExpressionAttributeNames  map[string]string
	ExpressionAttributeValues item
	ExclusiveStartKey         item
	Limit                     *int
	Select                    string
	ConsistentRead            bool
	ReturnConsumedCapacity    string
}

// search is a Query or a Scan that was compiled: both read a range of rows that
// are sorted, and differ in how they find it.
type search struct {
	request searchInput
	table   *table
	index   *index // nil for the table itself
	key     keySchema
	rows    *rows // those to read, all of them
	names   *placeholders
	filter  condition
	filters []path // that the filter names
	paths   []path // of the projection, nil for all
	count   bool   // only count
	limit   int
}

// searchOutput is one page.
type searchOutput struct {
	Items            *[]item `json:",omitempty"`
	Count            int
	ScannedCount     int
	LastEvaluatedKey item      `json:",omitempty"`
	ConsumedCapacity *capacity `json:",omitempty"`
}

// search compiles what Query and Scan share; the caller holds the lock.
func (s *service) search(in searchInput) (*search, error) {
	t, err := s.table(in.TableName)
	if err != nil {
		return nil, err
	}
	if err := checkCapacity(in.ReturnConsumedCapacity); err != nil {
		return nil, err
	}
	q := &search{request: in, table: t, key: t.key, rows: &t.rows, limit: math.MaxInt}
	if in.IndexName != nil {
		if q.index, err = t.index(*in.IndexName); err != nil {
			return nil, err
		}
		if in.ConsistentRead {
			return nil, invalid("Consistent reads are not supported on global secondary indexes")
		}
		q.key, q.rows = q.index.key, &q.index.rows
	}
	if in.Limit != nil {
		if q.limit = *in.Limit; q.limit < 1 {
			return nil, unsatisfied(q.limit, "limit", "Member must have value greater than or equal to 1")
		}
	}
	if q.names, err = newPlaceholders(in.ExpressionAttributeNames, in.ExpressionAttributeValues); err != nil {
		return nil, err
	}
	if q.filter, q.filters, err = q.names.condition("FilterExpression", in.FilterExpression); err != nil {
		return nil, err
	}
	if q.paths, err = q.names.projectionPaths(in.ProjectionExpression); err != nil {
		return nil, err
	}
	if err := q.checkProjected(); err != nil {
		return nil, err
	}
	return q, q.checkSelect(in.Select)
}

// checkProjected refuses a projection of what the index does not hold.
func (q *search) checkProjected() error {
	if q.index == nil {
		return nil
	}
	for _, p := range q.paths {
		if !q.index.projects(q.table, p[0].name) {
			return badParameter("Global secondary index %s does not project [%s]", q.index.name, p[0].name)
		}
	}
	return nil
}

// checkSelect refuses a Select that does not fit the rest of the request.
func (q *search) checkSelect(wanted string) error {
	if q.paths != nil && wanted != "" && wanted != "SPECIFIC_ATTRIBUTES" {
		return invalid("Cannot specify the ProjectionExpression when choosing to get %s", wanted)
	}
	switch wanted {
	case "":
	case "COUNT":
		q.count = true
	case "SPECIFIC_ATTRIBUTES":
		if q.paths == nil {
			return invalid("Must specify the ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES")
		}
	case "ALL_PROJECTED_ATTRIBUTES":
		if q.index == nil {
			return invalid("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
		}
	case "ALL_ATTRIBUTES":
		if q.index != nil && q.index.projection.ProjectionType != "ALL" {
			return badParameter("Select type ALL_ATTRIBUTES is not supported for global secondary index %s "+
				"because its projection type is not ALL", q.index.name)
		}
	default:
		return checkEnum(wanted, "select", "SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES")
	}
	return nil
}

// startPosition is that of an ExclusiveStartKey; whether that item is still
// there does not matter.
func (q *search) startPosition(key item) (string, error) {
	attributes := q.table.key.attributes()
	if q.index != nil {
		for _, part := range q.index.key.attributes() {
			if !slices.Contains(attributes, part) {
				attributes = append(attributes, part)
			}
		}
	}
	if len(key) != len(attributes) {
		return "", invalid("The provided starting key is invalid")
	}
	for _, part := range attributes {
		if v := key[part.name]; v.kind != part.kind || v.text == "" {
			return "", invalid("The provided starting key is invalid: " +
				"The provided key element does not match the schema")
		}
	}
	if q.index != nil {
		return q.index.position(q.table, key), nil
	}
	return q.table.key.position(key), nil
}

// page reads rows from (included) to (excluded), backwards where forward is
// false, until the limit or 1 MB is reached. As on AWS, both count the rows that
// the filter then leaves out.
func (q *search) page(from, to int, forward bool) searchOutput {
	items := []item{}
	out := searchOutput{}
	bytes, read := 0, 0 // with the row at which the page ends, and without it
	var last item
	for n := range to - from {
		i := from + n
		if !forward {
			i = to - 1 - n
		}
		_, x := q.rows.at(i)
		if bytes += x.size; out.ScannedCount == q.limit || out.ScannedCount > 0 && bytes > maxPage {
			out.LastEvaluatedKey = q.keyOf(last)
			break
		}
		it := x.packed.item()
		last, read = it, bytes
		out.ScannedCount++
		if q.filter != nil && !q.filter(it) {
			continue
		}
		out.Count++
		items = append(items, project(it, q.paths))
	}
	if out.ScannedCount == q.limit {
		// As on AWS, even if nothing follows: only a page without the key is
		// the last.
		out.LastEvaluatedKey = q.keyOf(last)
	}
	if !q.count {
		out.Items = &items
	}
	units := readUnits(read, q.request.ConsistentRead)
	out.ConsumedCapacity = newCapacity(q.request.ReturnConsumedCapacity, q.request.TableName, units)
	return out
}

// keyOf is the key after which the next page starts.
func (q *search) keyOf(last item) item {
	key := q.table.key.of(last)
	if q.index != nil {
		maps.Copy(key, q.index.key.of(last))
	}
	return key
}
