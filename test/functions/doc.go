// Package functions_test runs the functions as they are deployed, with every setting off its default: a main that
// does not pass a setting on fails here, by the setting's name. What a setting does in each case is tested where it
// is done; which text it may have, in pkg/settings.
package functions_test
