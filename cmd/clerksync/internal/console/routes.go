package console

import (
	"encoding/json"
	"net/http"
)

// apiPrefix is before the paths for scripts.
const apiPrefix = "/api/v1/"

// route is one line of the console's list. Routes that change something have
// another method than GET, and no other has.
type route struct {
	pattern string // of http.ServeMux
	handle  http.HandlerFunc
}

// routes are all of this console's. A part that it cannot do has no route, so that
// nothing but this list says what can be done.
func (c *Console) routes() []route {
	list := []route{
		{"GET /static/{name}", serveStatic},
	}
	list = append(list, c.directoryRoutes()...)
	list = append(list, c.deadLetterRoutes()...)
	list = append(list, c.orderRoutes()...)
	list = append(list, c.sendRoutes()...)
	list = append(list, c.trafficRoutes()...)
	list = append(list, c.stackRoutes()...)
	if c.options.Dev != nil {
		list = append(list, route{"GET " + apiPrefix + "info", c.apiInfo})
	}
	if c.options.Dev != nil && c.options.Dev.Recorder != nil {
		list = append(list, c.messageRoutes()...)
	}
	return list
}

// mux serves the routes. What has none is answered as the rest is: with a page, or
// with an error for programs.
func (c *Console) mux() http.Handler {
	mux := http.NewServeMux()
	for _, r := range c.routes() {
		mux.HandleFunc(r.pattern, r.handle)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		none, pattern := mux.Handler(r)
		if pattern != "" {
			mux.ServeHTTP(w, r) // again, for it sets the values of the path
			return
		}
		answer := discarded{header: http.Header{}}
		none.ServeHTTP(&answer, r)
		if answer.status == http.StatusMethodNotAllowed {
			w.Header().Set("Allow", answer.header.Get("Allow"))
			c.fail(w, r, answer.status, "method_not_allowed", "this can be asked by "+answer.header.Get("Allow"))
			return
		}
		c.fail(w, r, http.StatusNotFound, "not_found", "there is no such page; the console's pages are in its head")
	})
}

// discarded takes the answer of http.ServeMux for a request that has no route.
type discarded struct {
	header http.Header
	status int
}

func (d *discarded) Header() http.Header         { return d.header }
func (d *discarded) WriteHeader(status int)      { d.status = status }
func (d *discarded) Write(b []byte) (int, error) { return len(b), nil }

// apiInfo says where all is, as the ready line of dev does, without the secret.
func (c *Console) apiInfo(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, c.options.Dev.Describe())
}

// apiError is how the API says what went wrong.
type apiError struct {
	Error  string `json:"error"`  // a name for programs
	Detail string `json:"detail"` // what to do, for people
}

func writeError(w http.ResponseWriter, status int, name, detail string) {
	writeJSON(w, status, apiError{name, detail})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil { // every view has a JSON form; a test holds them
		status = http.StatusInternalServerError
		body = []byte(`{"error":"internal","detail":"the answer has no JSON form"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // the reader is gone if this fails
}
