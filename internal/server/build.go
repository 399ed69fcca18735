package server

import "runtime/debug"

// Build tells what was built from what.
type Build struct {
	Version  string // of the module; "(devel)" for a build from a checkout without tags
	Revision string // of the sources; empty when unknown
	Dirty    bool   // the sources differed from Revision
	Time     string // of Revision
	Go       string // the compiler's version
}

// ThisBuild reads what the compiler noted in the binary.
func ThisBuild() Build {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return Build{Version: "(unknown)"}
	}
	b := Build{Version: or(info.Main.Version, "(devel)"), Go: info.GoVersion}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.time":
			b.Time = s.Value
		case "vcs.modified":
			b.Dirty = s.Value == "true"
		}
	}
	return b
}

// String is what "teahouse version" prints.
func (b Build) String() string {
	s := "teahouse " + b.Version
	if b.Revision != "" {
		s += " (" + b.Revision[:min(len(b.Revision), 12)]
		if b.Dirty {
			s += ", changed"
		}
		if b.Time != "" {
			s += ", " + b.Time
		}
		s += ")"
	}
	return s + " " + b.Go
}
