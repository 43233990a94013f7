//go:build tools

// Package mailhog pins MailHog and everything it is built from. MailHog is older than Go modules and names no
// versions, so go.mod and go.sum here do: `go build github.com/mailhog/MailHog` takes what stands in them.
package mailhog

import _ "github.com/mailhog/MailHog"
