package console

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/view"
)

//go:embed templates/*.html static/*
var files embed.FS

// pages are the templates by the name of their file: layout.html with the one
// page. Each defines "title" and "content", and beside them the parts that htmx
// asks for, each under the id of the element that it is.
type pages map[string]*template.Template

func parsePages() (pages, error) {
	names, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("list the console's pages: %w", err)
	}
	p := pages{}
	for _, name := range names {
		file := path.Base(name)
		// What begins with an underscore is shared by pages.
		if file == "layout.html" || strings.HasPrefix(file, "_") {
			continue
		}
		t, err := template.New("layout.html").Funcs(functions()).
			ParseFS(files, "templates/layout.html", "templates/_*.html", name)
		if err != nil {
			return nil, fmt.Errorf("parse the console's page %s: %w", file, err)
		}
		p[file] = t
	}
	return p, nil
}

// functions are what templates call.
func functions() template.FuncMap {
	return template.FuncMap{
		"mark":     view.Mark,
		"exact":    func(t time.Time) string { return t.Local().Format("15:04:05.000") },
		"clock":    func(t time.Time) string { return t.Local().Format("15:04:05") },
		"add":      func(a, b int) int { return a + b },
		"text":     view.Text,
		"even":     func(n int) bool { return n%2 == 0 },
		"dict":     dict,
		"patterns": patterns,
		"rowtime":  func(text string) string { return parsedTime(text).Local().Format("2 Jan 15:04:05") },
		"stamp":    func(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") },
	}
}

// dict makes one value of several for a template that is called, as in
// (dict "Name" .Name "At" 1).
func dict(pairs ...any) map[string]any {
	values := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		values[fmt.Sprint(pairs[i])] = pairs[i+1]
	}
	return values
}

// patterns are the lines of each fill of a chart, in a square of 6.
func patterns() (lines [fills]string) {
	shapes := []string{"", "M0 6L6 0", "M0 0L6 6", "M3 0V6", "M0 3H6", "M0 6L6 0M0 0L6 6", "M3 0V6M0 3H6"}
	for i := range lines {
		lines[i] = shapes[i%len(shapes)]
	}
	return lines
}

// page is what the layout shows round a page's own content.
type page struct {
	Console *Console
	Path    string // of the request: marks the page in the head
	Run     string
	Content any
}

// tab is a page that the head leads to.
type tab struct {
	Path, Name string
	Count      int // of what waits for someone there
}

// Tabs are the pages that this console has, in the order of the keys 1 to 6 and on.
func (p page) Tabs() []tab {
	var tabs []tab
	for _, t := range []tab{
		{Path: "/", Name: "Messages"},
		{Path: "/directory", Name: "Directory"},
		{Path: "/dead-letters", Name: "Dead letters"},
		{Path: "/send", Name: "Send"},
		{Path: "/order", Name: "Order"},
		{Path: "/traffic", Name: "Traffic"},
		{Path: "/doctor", Name: "Doctor"},
	} {
		if t.Path == "/" && p.Console.options.Stack != nil && p.Console.log == nil {
			continue // it leads to the directory
		}
		for _, r := range p.Console.routes() {
			if r.pattern == "GET "+t.Path || t.Path == "/" && r.pattern == "GET /{$}" {
				if t.Path == "/dead-letters" && p.Console.embedded() {
					letters, _ := p.Console.options.Dev.DeadLetters() // its own page says what is wrong
					t.Count = len(letters)
				}
				tabs = append(tabs, t)
			}
		}
	}
	return tabs
}

// Here says whether the page belongs to a tab.
func (p page) Here(t tab) bool {
	section := map[string]string{"messages": "/", "rows": "/directory"}
	first, _, _ := strings.Cut(strings.TrimPrefix(p.Path, "/"), "/")
	if s, ok := section[first]; ok {
		return s == t.Path
	}
	return "/"+first == t.Path
}

// Mode is what this is a console of.
func (p page) Mode() string {
	if p.Console.options.Dev != nil {
		return "dev"
	}
	return "stack"
}

// Webhook is the URL to which events go, "" where it is not known.
func (p page) Webhook() string {
	if dev := p.Console.options.Dev; dev != nil {
		return dev.Describe().WebhookURL
	}
	return p.Console.options.Deployment.WebhookURL
}

// render answers with a page, or for htmx with the part that it asks for.
func (c *Console) render(w http.ResponseWriter, r *http.Request, status int, file string, content any) {
	t, ok := c.pages[file]
	if !ok {
		http.Error(w, "no template "+file, http.StatusInternalServerError)
		return
	}
	p := page{Console: c, Path: r.URL.Path, Run: c.run, Content: content}
	name, data := "layout.html", any(p)
	if part := wantedPart(r); part != "" && t.Lookup(part) != nil {
		name, data = part, content
	}
	// Into memory first, so that an error is no half page.
	var body bytes.Buffer
	if err := t.ExecuteTemplate(&body, name, data); err != nil {
		http.Error(w, "the page could not be made: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // the reader is gone if this fails
}

// wantedPart is the id of the element that htmx will replace, "" for a whole page.
// https://four.htmx.org/reference/#request_headers
func wantedPart(r *http.Request) string {
	if r.Header.Get("HX-Request") != "true" || r.Header.Get("HX-History-Restore-Request") == "true" {
		return ""
	}
	_, id, _ := strings.Cut(r.Header.Get("HX-Target"), "#") // as in section#detail
	return id
}

// fail answers a script with JSON, and a person with a page.
func (c *Console) fail(w http.ResponseWriter, r *http.Request, status int, name, detail string) {
	if strings.HasPrefix(r.URL.Path, apiPrefix) {
		writeError(w, status, name, detail)
		return
	}
	c.render(w, r, status, "error.html", errorPage{name, alert{Text: detail}})
}

// errorPage is shown in place of a page that cannot be made.
type errorPage struct {
	Error  string
	Detail alert
}

// failWith answers a person with an error of what the console looks at.
func (c *Console) failWith(w http.ResponseWriter, r *http.Request, err error) {
	c.render(w, r, http.StatusBadGateway, "error.html", errorPage{"table_unreadable", alertOf(err)})
}

func serveStatic(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	if _, err := fs.Stat(files, "static/"+name); err != nil {
		writeError(w, http.StatusNotFound, "not_found", "there is no such file")
		return
	}
	http.ServeFileFS(w, r, files, "static/"+name) //nolint:gosec // nothing lies outside of an embedded file system
}
