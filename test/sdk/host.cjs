// Preloaded before a client's own tests: it points the client at the server under test. Files of the package stay as
// they were published.
'use strict';

require('easemob-sdk/lib/const').BASE_URL = process.env.TEAHOUSE_URL + '/';
