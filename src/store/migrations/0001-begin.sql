-- Times are Unix seconds, but audit.at_ms.
CREATE TABLE accounts (
	id INTEGER PRIMARY KEY,
	name TEXT NOT NULL UNIQUE,
	role TEXT NOT NULL CHECK (role IN ('user', 'admin')),
	password TEXT NOT NULL,
	is_disabled INTEGER NOT NULL DEFAULT 0 CHECK (is_disabled IN (0, 1)),
	created_at INTEGER NOT NULL
) STRICT;

-- A login of a person; the cookie holds the token, the store only its SHA-256.
CREATE TABLE logins (
	id INTEGER PRIMARY KEY,
	token_hash BLOB NOT NULL UNIQUE CHECK (length(token_hash) = 32),
	account INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	address TEXT NOT NULL,
	created_at INTEGER NOT NULL,
	seen_at INTEGER NOT NULL,
	expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX logins_of_account ON logins (account);
CREATE INDEX logins_by_expiry ON logins (expires_at);

-- The directory of browser sessions. The account may be gone; its name stays.
CREATE TABLE sessions (
	id TEXT PRIMARY KEY CHECK (length(id) = 32),
	account INTEGER REFERENCES accounts (id) ON DELETE SET NULL,
	user TEXT NOT NULL,
	node TEXT NOT NULL,
	token TEXT NOT NULL,
	state TEXT NOT NULL CHECK (state IN ('live', 'ended')),
	started_at INTEGER NOT NULL,
	expires_at INTEGER NOT NULL,
	ended_at INTEGER,
	reason INTEGER,
	CHECK ((state = 'ended') = (ended_at IS NOT NULL))
) STRICT;
CREATE UNIQUE INDEX one_live_session ON sessions (account) WHERE state = 'live';
CREATE INDEX live_sessions ON sessions (node) WHERE state = 'live';
CREATE INDEX sessions_of_account ON sessions (account, started_at);

CREATE TABLE settings (
	name TEXT PRIMARY KEY,
	value TEXT NOT NULL
) STRICT;

CREATE TABLE audit (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	at_ms INTEGER NOT NULL,
	event TEXT NOT NULL,
	user TEXT NOT NULL,
	address TEXT NOT NULL,
	session TEXT NOT NULL,
	detail TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_time ON audit (at_ms);
