package deployment

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/dynamo"
	"github.com/clerksync/clerksync/pkg/projector"
	"github.com/clerksync/clerksync/pkg/settings"
)

// Scrub brings rows into line with what the tables may keep. Which attributes
// that is the consumer decides: there is no second rule.
type Scrub struct {
	rows   *Rows
	keeper *consumer.Consumer
	DryRun bool
	// OnRow is called with each row that holds too much, after it was changed.
	// OnPage is called after each page, with where the next one begins.
	OnRow  func(ScrubbedRow)
	OnPage func(read int, next string)
}

// ScrubbedRow is a row that held too much, by its key, and names of attributes.
type ScrubbedRow struct {
	PK      string   `json:"pk"`
	SK      string   `json:"sk"`
	Kind    string   `json:"kind"`
	Removed []string `json:"removed,omitempty"`
	Reduced []string `json:"reduced,omitempty"` // attributes that keep a part of their value
}

// NewScrub makes a Scrub of the deployment's Directory table.
func (d *Deployment) NewScrub(s settings.Storage) *Scrub {
	return &Scrub{rows: d.Rows(), keeper: consumer.New(consumer.Config{
		Projector: projector.New(projector.ObjectStorage(s.ObjectStorage)),
		Policy:    consumer.DeletionPolicy(s.DeletionPolicy),
	})}
}

// maxWrites bounds how many rows are written at once.
const maxWrites = 16

// Run reads the whole table, from where an earlier run ended if after is not
// empty. It may run again at any time: what is in line is not written.
func (s *Scrub) Run(ctx context.Context, after string) error {
	in := &dynamodb.ScanInput{TableName: &s.rows.directory, ConsistentRead: aws.Bool(true)}
	if after != "" {
		key, err := parseStart(after)
		if err != nil {
			return err
		}
		in.ExclusiveStartKey = dynamo.Key(key)
	}
	for {
		out, err := dynamo.ScanPage(ctx, s.rows.client, in)
		if err != nil {
			return err //nolint:wrapcheck // it names the table
		}
		if err := s.scrubPage(ctx, out.Items); err != nil {
			return err
		}
		next := ""
		if len(out.LastEvaluatedKey) > 0 {
			next = formatStart(dynamo.RowOf(out.LastEvaluatedKey).Key())
		}
		s.OnPage(len(out.Items), next)
		if in.ExclusiveStartKey = out.LastEvaluatedKey; next == "" {
			return nil
		}
	}
}

// scrubPage changes the rows of a page, several at once, and waits for all.
func (s *Scrub) scrubPage(ctx context.Context, items []map[string]types.AttributeValue) error {
	var g errgroup.Group
	g.SetLimit(maxWrites)
	var reporting sync.Mutex
	for _, item := range items {
		g.Go(func() error {
			changed, err := s.scrubItem(ctx, item)
			if err == nil && changed != nil {
				reporting.Lock()
				defer reporting.Unlock()
				s.OnRow(*changed)
			}
			return err
		})
	}
	return g.Wait() //nolint:wrapcheck // scrubItem names the row
}

// maxTries bounds how often one row is read again because it changed meanwhile.
const maxTries = 10

// scrubItem brings one row into line and returns nil where it is. The write
// happens only if the row is as it was read. One that has changed since is read
// again: sync may have written it before its settings changed.
func (s *Scrub) scrubItem(ctx context.Context, item map[string]types.AttributeValue) (*ScrubbedRow, error) {
	var key directory.Key
	for range maxTries {
		changed, retained := s.compare(item)
		if changed == nil || s.DryRun {
			return changed, nil
		}
		key = directory.Key{PK: changed.PK, SK: changed.SK}
		err := s.update(ctx, item, retained, changed)
		var failed *types.ConditionalCheckFailedException
		if !errors.As(err, &failed) {
			if err != nil {
				return nil, fmt.Errorf("scrub row %s %s: %w", key.PK, key.SK, err)
			}
			return changed, nil
		}
		out, err := s.rows.client.GetItem(ctx, &dynamodb.GetItemInput{
			TableName: &s.rows.directory, Key: dynamo.Key(key), ConsistentRead: aws.Bool(true),
			ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
		})
		if err == nil {
			err = dynamo.Confirm(out.ConsumedCapacity, s.rows.directory)
		}
		if err != nil {
			return nil, fmt.Errorf("read row %s %s again: %w", key.PK, key.SK, err)
		}
		if item = out.Item; len(item) == 0 {
			return nil, nil
		}
	}
	return nil, fmt.Errorf("row %s %s changes all the time: run it again", key.PK, key.SK)
}

// compare says what the row may not hold, nil for nothing. It goes by the item's
// own attributes: of a tombstone those that somebody added by hand go, too.
func (s *Scrub) compare(item map[string]types.AttributeValue) (*ScrubbedRow, directory.Row) {
	row := dynamo.RowOf(item)
	retained := s.keeper.Retained(row)
	c := &ScrubbedRow{PK: row.Key().PK, SK: row.Key().SK, Kind: row.Text(directory.AttrKind)}
	for _, name := range slices.Sorted(maps.Keys(item)) {
		value, kept := retained[name]
		_, ours := row[name]
		switch {
		case !kept && (ours || row.Gone() && s.keeper.Policy == consumer.Hard):
			c.Removed = append(c.Removed, name)
		case kept && !reflect.DeepEqual(value, row[name]):
			c.Reduced = append(c.Reduced, name)
		}
	}
	if len(c.Removed)+len(c.Reduced) == 0 {
		return nil, nil
	}
	return c, retained
}

// update removes and reduces the attributes if the row is unchanged: of the same
// revision, as live as it was, and with the same `object`. Revisions alone do
// not tell, for a scrub leaves them as they are. The condition takes the item's
// own values: one that somebody put there by hand may be of any type.
func (s *Scrub) update(
	ctx context.Context, item map[string]types.AttributeValue, retained directory.Row, c *ScrubbedRow,
) error {
	in := &dynamodb.UpdateItemInput{
		TableName: &s.rows.directory, Key: dynamo.Key(directory.Key{PK: c.PK, SK: c.SK}),
		ExpressionAttributeNames:  map[string]string{},
		ExpressionAttributeValues: map[string]types.AttributeValue{},
		ReturnConsumedCapacity:    types.ReturnConsumedCapacityTotal,
	}
	name := func(attribute string) string {
		short := "#" + strconv.Itoa(len(in.ExpressionAttributeNames))
		in.ExpressionAttributeNames[short] = attribute
		return short
	}
	value := func(v types.AttributeValue) string {
		short := ":" + strconv.Itoa(len(in.ExpressionAttributeValues))
		in.ExpressionAttributeValues[short] = v
		return short
	}
	var conditions, sets, removes []string
	for _, attribute := range []string{directory.AttrRev, directory.AttrDeletedAt, directory.AttrObject} {
		if v, ok := item[attribute]; ok {
			conditions = append(conditions, name(attribute)+" = "+value(v))
		} else {
			conditions = append(conditions, "attribute_not_exists("+name(attribute)+")")
		}
	}
	for _, attribute := range c.Reduced {
		text := &types.AttributeValueMemberS{Value: retained.Text(attribute)}
		sets = append(sets, name(attribute)+" = "+value(text))
	}
	for _, attribute := range c.Removed {
		removes = append(removes, name(attribute))
	}
	expression := ""
	if len(sets) > 0 {
		expression = "SET " + strings.Join(sets, ", ")
	}
	if len(removes) > 0 {
		expression += " REMOVE " + strings.Join(removes, ", ")
	}
	in.UpdateExpression, in.ConditionExpression = &expression, aws.String(strings.Join(conditions, " AND "))
	out, err := s.rows.client.UpdateItem(ctx, in)
	if err != nil {
		return err //nolint:wrapcheck // scrubItem names the row
	}
	return dynamo.Confirm(out.ConsumedCapacity, s.rows.directory) //nolint:wrapcheck // as above
}

// formatStart writes a key as one word for a command line, parseStart reads it.
func formatStart(k directory.Key) string {
	text, _ := json.Marshal([]string{k.PK, k.SK}) // two texts always encode
	return base64.RawURLEncoding.EncodeToString(text)
}

func parseStart(word string) (directory.Key, error) {
	text, err := base64.RawURLEncoding.DecodeString(word)
	var parts []string
	if err != nil || json.Unmarshal(text, &parts) != nil || len(parts) != 2 {
		return directory.Key{}, terminal.Usagef("--after is not what an earlier scrub printed")
	}
	return directory.Key{PK: parts[0], SK: parts[1]}, nil
}
