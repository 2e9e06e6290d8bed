package delivery

import (
	"errors"
	"net/url"
)

// ReadQueueURL reads a queue's URL from the variable of that name. The error
// names the variable, and no value.
func ReadQueueURL(get func(string) string, name string) (string, error) {
	text := get(name)
	if text == "" {
		return "", errors.New(name + " is missing")
	}
	if u, err := url.Parse(text); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return "", errors.New(name + " is no http or https URL")
	}
	return text, nil
}
