package easemob

// Routes lists the route table, for the test that wants a transcript of each.
func Routes() (all []string) {
	for _, rt := range (&API{}).routes() {
		all = append(all, rt.method+" "+rt.path)
	}
	return all
}
