package server

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"teahouse/internal/easemob"
	"teahouse/internal/thinksns"
)

// perPerson is the class of what one person may ask of the ThinkSNS+ surface.
const perPerson = "thinksns"

// socketClass is the class of what one realtime connection may say.
const socketClass = "socket-messages"

// documentedLimits are those of the surfaces.
func documentedLimits() map[string]float64 {
	limits := easemob.DocumentedLimits()
	limits[perPerson] = thinksns.DefaultPerMinute / 60
	limits[socketClass] = 100
	return limits
}

// rateLimits returns the request rates per second by class: "documented", "off", or a file of "class = n/s" lines that
// change the documented ones.
func rateLimits(from string) (map[string]float64, error) {
	switch from {
	case "off":
		return nil, nil
	case "documented":
		return documentedLimits(), nil
	}
	pairs, err := ReadKeyValues(from)
	if err != nil {
		return nil, fmt.Errorf("--rate-limits: want documented, off, or a file of class = n/s lines: %w", err)
	}
	limits := documentedLimits()
	for _, p := range pairs {
		if _, ok := limits[p.Key]; !ok {
			return nil, fmt.Errorf("--rate-limits: %s:%d: no class %s; the classes are %s", from, p.Line, p.Key,
				strings.Join(slices.Sorted(maps.Keys(limits)), ", "))
		}
		rate, err := strconv.ParseFloat(strings.TrimSuffix(p.Value, "/s"), 64)
		if err != nil || !(rate > 0 && rate <= 1e9) {
			return nil, fmt.Errorf("--rate-limits: %s:%d: %s: want a positive number a second, such as 100/s", from, p.Line, p.Value)
		}
		limits[p.Key] = rate
	}
	return limits, nil
}
