// Package browser holds the console as its users meet it: in a browser, over the real `clerksync dev`. TestAcceptance
// is the list of what the console promises, one subtest an item; TestLook goes through every page in both themes and
// two widths, with axe-core (https://github.com/dequelabs/axe-core), and writes screenshots.
//
// The browser is Chromium's headless shell (Debian's package chromium-headless-shell), or what these variables name:
//
//	BROWSER              the program; else the first in PATH of chromium-headless-shell, chromium and google-chrome;
//	                     "off" skips all tests of this package
//	BROWSER_AXE          axe.min.js of the npm package axe-core
//	BROWSER_SCREENSHOTS  a folder for the screenshots, made where it is missing; none are written without it
//	BROWSER_REQUIRED=1   a test that finds no browser or no axe-core fails instead of skipping itself
//
// Each test has a browser profile of its own, which watches from before the first load for errors, for violations of
// the content security policy and for requests to other hosts: any of them fails the test.
package browser
