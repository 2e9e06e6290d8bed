package clerk

import (
	"bytes"
	"net/http"
)

// Fault is one way in which an answer can be wrong.
type Fault string

// All faults. Each has been seen at Clerk, at its edge or at a proxy between, or
// follows from what Clerk leaves open.
const (
	None          Fault = ""
	Denied        Fault = "denied"         // a replica that has nothing: 404 for every object, every list empty
	EmptyBody     Fault = "empty body"     // 200 without a body
	HTML502       Fault = "html 502"       // the edge's own page
	HTML404       Fault = "html 404"       // likewise
	InternalError Fault = "internal error" // 500 in Clerk's form
	Locked        Fault = "locked"         // 409 resource_locked
	Limited       Fault = "limited"        // 429, Retry-After one second
	CutOff        Fault = "cut off"        // half of the answer, as if it were whole
	Broken        Fault = "broken"         // the connection ends within the answer
	Hangs         Fault = "hangs"          // no answer at all
	Undated       Fault = "undated"        // no header Date
)

// Faults lists all but None.
func Faults() []Fault {
	return []Fault{
		Denied, EmptyBody, HTML502, HTML404, InternalError, Locked, Limited, CutOff, Broken, Hangs, Undated,
	}
}

// recorder keeps an answer back, so that it can be spoiled.
type recorder struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(b []byte) (int, error) { return r.body.Write(b) }

// spoil writes the answer with the fault in it.
func (f Fault) spoil(w http.ResponseWriter, r *http.Request, answer func(http.ResponseWriter)) {
	html := func(status int) {
		w.Header().Set("Content-Type", "text/html; charset=UTF-8")
		writeBody(w, status, []byte("<html><head><title>"+http.StatusText(status)+"</title></head></html>"))
	}
	refuse := func(e *apiError) { writeJSON(w, e.status, e.body("")) }
	switch f {
	case None, Denied:
		answer(w)
	case EmptyBody:
		writeBody(w, http.StatusOK, nil)
	case HTML502:
		html(http.StatusBadGateway)
	case HTML404:
		html(http.StatusNotFound)
	case InternalError:
		refuse(&apiError{500, "internal_clerk_error", "Oops, an unexpected error occurred", ""})
	case Locked:
		refuse(&apiError{409, "resource_locked", "The resource is being changed", ""})
	case Limited:
		w.Header().Set("Retry-After", "1")
		refuse(tooMany())
	case CutOff:
		whole := &recorder{ResponseWriter: w, status: http.StatusOK}
		answer(whole)
		writeBody(w, whole.status, whole.body.Bytes()[:whole.body.Len()/2])
	case Broken:
		w.Header().Set("Content-Length", "1000000")
		writeBody(w, http.StatusOK, []byte(`{"data":[`))
		_ = http.NewResponseController(w).Flush() // who reads it sees a beginning
		panic(http.ErrAbortHandler)               // net/http's way to close the connection
	case Hangs:
		<-r.Context().Done()
	case Undated:
		w.Header()["Date"] = nil // net/http would set it
		answer(w)
	}
}
