package dynamodb

// maxItem is the size in bytes of the largest item, names included. A larger
// one is refused in table.go.
// Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
const maxItem = 400 << 10

// size is the item's size in bytes by the published rules.
// Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
func (it item) size() int {
	total := 0
	for name, v := range it {
		total += len(name) + v.size()
	}
	return total
}

func (v value) size() int {
	switch v.kind {
	case "BOOL", "NULL":
		return 1
	case "N":
		return numberSize(v.text)
	case "L":
		total := 3
		for _, element := range v.list {
			total += 1 + element.size()
		}
		return total
	case "M":
		return 3 + len(v.fields) + v.fields.size()
	case "SS", "NS", "BS":
		total := 0
		for _, element := range v.set {
			if v.kind == "NS" {
				total += numberSize(element)
			} else {
				total += len(element)
			}
		}
		return total
	}
	return len(v.text)
}

// numberSize takes the published "approximately" upwards: a byte for every two
// digits begun, one more, and one for a sign.
func numberSize(text string) int {
	number, err := parseDecimal(text)
	if err != nil {
		return len(text)
	}
	size := 1 + (len(number.digits)+1)/2
	if number.negative {
		size++
	}
	return size
}
