package storetest

func pageTests() []test        { return nil }
func transactionTests() []test { return nil }
func raceTests() []test        { return nil }
func tenantTests() []test      { return nil }
