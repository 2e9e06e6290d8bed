package dynamodb

// capacity is what an operation reports of one table as consumed. Units of
// indexes are not counted.
// Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ConsumedCapacity.html
type capacity struct {
	TableName     string // as the request has it: a name or an ARN
	CapacityUnits float64
	Table         *tableCapacity `json:",omitempty"` // where INDEXES was asked for
}

type tableCapacity struct{ CapacityUnits float64 }

// checkCapacity refuses a ReturnConsumedCapacity that does not exist.
func checkCapacity(wanted string) error {
	return checkEnum(wanted, "returnConsumedCapacity", "INDEXES", "TOTAL", "NONE")
}

// newCapacity returns nil where the request does not ask for it.
func newCapacity(wanted, table string, units float64) *capacity {
	switch wanted {
	case "TOTAL":
		return &capacity{TableName: table, CapacityUnits: units}
	case "INDEXES":
		return &capacity{TableName: table, CapacityUnits: units, Table: &tableCapacity{units}}
	}
	return nil
}

// capacities collects what an operation on several tables consumed, one entry
// for each table, in the order in which they come first.
type capacities struct {
	wanted string
	list   []capacity
}

func (c *capacities) add(table string, units float64) {
	for i := range c.list {
		if e := &c.list[i]; e.TableName == table {
			e.CapacityUnits += units
			if e.Table != nil {
				e.Table.CapacityUnits += units
			}
			return
		}
	}
	if e := newCapacity(c.wanted, table, units); e != nil {
		c.list = append(c.list, *e)
	}
}

// Sizes in bytes that one unit of a write and of a consistent read covers.
// Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
const (
	writeUnit     = 1 << 10
	readUnit      = 4 << 10
	transactional = 2 // units of a transaction for each of an ordinary write
)

// writeUnits is for an item of the larger size, at least one.
func writeUnits(old, next item) float64 {
	return units(max(old.size(), next.size()), writeUnit)
}

// readUnits is for what was read together, at least half a unit.
func readUnits(size int, consistent bool) float64 {
	if consistent {
		return units(size, readUnit)
	}
	return units(size, readUnit) / 2
}

func units(size, unit int) float64 { return float64(max(1, (size+unit-1)/unit)) }
