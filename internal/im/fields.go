package im

// Fields are named values in the order they were given. Surfaces read and write them in the form of their wire; nothing
// is lost on the way: whole numbers stay whole, and the order stays.
type Fields []Field

// Field is one named value.
type Field struct {
	Name string
	Value
}

// ValueKind says what a Value is.
type ValueKind uint8

// The kinds of value.
const (
	TextValue   ValueKind = iota // Text is the text itself
	NumberValue                  // Text is the number as it was written, such as 1, -2.50 or 6e23
	BoolValue                    // Text is true or false
	JSONValue                    // Text is a JSON object, list or null
)

// Value is one value that keeps its kind and its exact writing.
type Value struct {
	Kind ValueKind
	Text string
}

// Text is a Value of kind TextValue.
func Text(s string) Value { return Value{TextValue, s} }

// Get returns the value of a name; the last of several counts.
func (fs Fields) Get(name string) (Value, bool) {
	for i := len(fs) - 1; i >= 0; i-- {
		if fs[i].Name == name {
			return fs[i].Value, true
		}
	}
	return Value{}, false
}

// size is how many bytes names and values have.
func (fs Fields) size() (n int) {
	for _, f := range fs {
		n += len(f.Name) + len(f.Text)
	}
	return n
}

// with returns fs with more: a name that is there keeps its place and gets the new value.
func (fs Fields) with(more Fields) Fields {
	all := append(Fields(nil), fs...)
	for _, f := range more {
		i := len(all) - 1
		for i >= 0 && all[i].Name != f.Name {
			i--
		}
		if i < 0 {
			all = append(all, f)
		} else {
			all[i] = f
		}
	}
	return all
}
