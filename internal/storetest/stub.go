package storetest

func memberTests() []test      { return nil }
func standingTests() []test    { return nil }
func listTests() []test        { return nil }
func attributeTests() []test   { return nil }
func superAdminTests() []test  { return nil }
func pageTests() []test        { return nil }
func transactionTests() []test { return nil }
func raceTests() []test        { return nil }
func dueTests() []test         { return []test{{"DeleteExpiredTokens", testExpiredTokens}} }
func tenantTests() []test      { return nil }
