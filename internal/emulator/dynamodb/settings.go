package dynamodb

// description is a TableDescription. A table is ACTIVE as soon as it is there.
// Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TableDescription.html
type description struct {
	TableName              string
	TableArn               string
	TableStatus            string
	CreationDateTime       float64 // seconds since 1970
	AttributeDefinitions   []attributeDefinition
	KeySchema              []keyElement
	ItemCount              int
	TableSizeBytes         int
	BillingModeSummary     *billingSummary `json:",omitempty"`
	ProvisionedThroughput  throughput
	GlobalSecondaryIndexes []indexDescription `json:",omitempty"`
}

type billingSummary struct{ BillingMode string }

type indexDescription struct {
	IndexName             string
	IndexArn              string
	IndexStatus           string
	KeySchema             []keyElement
	Projection            projection
	ItemCount             int
	IndexSizeBytes        int
	ProvisionedThroughput throughput
}

// describe is the table as DescribeTable shows it.
func (t *table) describe() description {
	d := description{
		TableName:            t.name,
		TableArn:             arnPrefix + t.name,
		TableStatus:          "ACTIVE",
		CreationDateTime:     float64(t.created.UnixMilli()) / 1000,
		AttributeDefinitions: t.definition.AttributeDefinitions,
		KeySchema:            t.definition.KeySchema,
		ItemCount:            t.rows.len(),
		TableSizeBytes:       t.rows.bytes(),
	}
	if t.definition.BillingMode == "PAY_PER_REQUEST" {
		d.BillingModeSummary = &billingSummary{t.definition.BillingMode}
	}
	if p := t.definition.ProvisionedThroughput; p != nil {
		d.ProvisionedThroughput = *p
	}
	for i, x := range t.indexes {
		d.GlobalSecondaryIndexes = append(d.GlobalSecondaryIndexes, indexDescription{
			IndexName:      x.name,
			IndexArn:       d.TableArn + "/index/" + x.name,
			IndexStatus:    "ACTIVE",
			KeySchema:      t.definition.GlobalSecondaryIndexes[i].KeySchema,
			Projection:     x.projection,
			ItemCount:      x.rows.len(),
			IndexSizeBytes: x.rows.bytes(),
		})
	}
	return d
}

// bytes is the size of all items.
func (r *rows) bytes() (total int) {
	r.tree.Scan(func(_ string, x row) bool {
		total += x.size
		return true
	})
	return total
}

// ttlSpecification is remembered; nothing expires.
type ttlSpecification struct {
	AttributeName string
	Enabled       bool
}

type updateTTLInput struct {
	tableInput
	TimeToLiveSpecification ttlSpecification
}

// updateTimeToLive refuses what changes nothing, as DynamoDB does.
func updateTimeToLive(t *table, in updateTTLInput) (any, error) {
	switch wanted := in.TimeToLiveSpecification; {
	case wanted.AttributeName == "":
		return nil, unsatisfied("", "timeToLiveSpecification.attributeName",
			"Member must have length greater than or equal to 1")
	case wanted.Enabled && t.ttl.Enabled:
		return nil, invalid("TimeToLive is already enabled")
	case !wanted.Enabled && !t.ttl.Enabled:
		return nil, invalid("TimeToLive is already disabled")
	case !wanted.Enabled && wanted.AttributeName != t.ttl.AttributeName:
		return nil, invalid("TimeToLive is active on a different AttributeName: current AttributeName is %s",
			t.ttl.AttributeName)
	default:
		t.ttl = wanted
		return struct{ TimeToLiveSpecification ttlSpecification }{wanted}, nil
	}
}

func describeTimeToLive(t *table, _ tableInput) (any, error) {
	d := map[string]string{"TimeToLiveStatus": "DISABLED"}
	if t.ttl.Enabled {
		d = map[string]string{"TimeToLiveStatus": "ENABLED", "AttributeName": t.ttl.AttributeName}
	}
	return map[string]any{"TimeToLiveDescription": d}, nil
}

type updateBackupsInput struct {
	tableInput
	PointInTimeRecoverySpecification struct {
		PointInTimeRecoveryEnabled bool
	}
}

func updateContinuousBackups(t *table, in updateBackupsInput) (any, error) {
	t.recovery = in.PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled
	return t.describeBackups(), nil
}

func (s *service) describeContinuousBackups(in tableInput) (any, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	t, err := s.table(in.TableName)
	if err != nil {
		return nil, refuse("TableNotFoundException", "Table not found: %s", in.TableName)
	}
	return t.describeBackups(), nil
}

func (t *table) describeBackups() any {
	recovery := "DISABLED"
	if t.recovery {
		recovery = "ENABLED"
	}
	return map[string]any{"ContinuousBackupsDescription": map[string]any{
		"ContinuousBackupsStatus":        "ENABLED",
		"PointInTimeRecoveryDescription": map[string]any{"PointInTimeRecoveryStatus": recovery},
	}}
}
