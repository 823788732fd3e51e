/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench/sys_sqlite.c: SQLite with a write-ahead log and synchronous=FULL: a
 * commit ends with a sync of the log. Each thread has a connection and prepared
 * statements; who finds the database locked waits.
 */
#include "sys.h"

#include <sqlite3.h>
#include <string.h>

#define FILL_N 1000
#define BLOB_MOST 4096
#define WAIT_MS 60000

enum { WORD_SET, WORD_GET, MAP_PUT, MAP_GET, MAP_DEL, BLOB_PUT, STATEMENTS };

static const char *const statement_text[STATEMENTS] = {
	[WORD_SET] = "INSERT OR REPLACE INTO words VALUES (?, ?)",
	[WORD_GET] = "SELECT v FROM words WHERE k = ?",
	[MAP_PUT] = "INSERT INTO map VALUES (?, ?)",
	[MAP_GET] = "SELECT v FROM map WHERE k = ?",
	[MAP_DEL] = "DELETE FROM map WHERE k = ?",
	[BLOB_PUT] = "INSERT INTO blobs VALUES (?, ?)",
};

static __thread struct {
	sqlite3	*db;
	sqlite3_stmt *statement[STATEMENTS];
} c;

static const char *db_path;

void sys_start(char **argv)
{
	(void)argv;
}

const char *sys_error(void)
{
	return c.db ? sqlite3_errmsg(c.db) : "no connection";
}

static void execute(const char *sql)
{
	if (sqlite3_exec(c.db, sql, NULL, NULL, NULL) != SQLITE_OK)
		bench_die(sql);
}

static void connection_open(void)
{
	if (sqlite3_open(db_path, &c.db) != SQLITE_OK)
		bench_die("opening");
	sqlite3_busy_timeout(c.db, WAIT_MS);
	execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
		"CREATE TABLE IF NOT EXISTS words(k INTEGER PRIMARY KEY, v);"
		"CREATE TABLE IF NOT EXISTS map(k INTEGER PRIMARY KEY, v);"
		"CREATE TABLE IF NOT EXISTS blobs(k INTEGER PRIMARY KEY, v);");
	for (int s = 0; s < STATEMENTS; s++)
		if (sqlite3_prepare_v2(c.db, statement_text[s], -1,
				       &c.statement[s], NULL) != SQLITE_OK)
			bench_die(statement_text[s]);
}

static void connection_close(void)
{
	if (!c.db)
		return;
	for (int s = 0; s < STATEMENTS; s++)
		sqlite3_finalize(c.statement[s]);
	if (sqlite3_close(c.db) != SQLITE_OK)
		bench_die("closing");
	memset(&c, 0, sizeof c);
}

/* Those of other threads; the first one's comes with the database. */
void sys_thread_begin(void)
{
	if (db_path && !c.db)
		connection_open();
}

void sys_thread_end(void)
{
	connection_close();
}

void sys_create(unsigned pool, const char *path, size_t len)
{
	(void)len;
	sys_reopen(pool, path);
}

void sys_reopen(unsigned pool, const char *path)
{
	(void)pool;
	db_path = path;
	connection_open();
}

void sys_close(unsigned pool)
{
	(void)pool;
	connection_close();
	db_path = NULL;
}

static void run(int s)
{
	if (sqlite3_step(c.statement[s]) != SQLITE_DONE)
		bench_die(statement_text[s]);
	sqlite3_reset(c.statement[s]);
}

static void put(int s, uint64_t key, uint64_t value)
{
	sqlite3_bind_int64(c.statement[s], 1, (sqlite3_int64)key);
	sqlite3_bind_int64(c.statement[s], 2, (sqlite3_int64)value);
	run(s);
}

/* 0: there is none. */
static uint64_t get(int s, uint64_t key)
{
	uint64_t value = 0;
	int step;

	sqlite3_bind_int64(c.statement[s], 1, (sqlite3_int64)key);
	step = sqlite3_step(c.statement[s]);
	if (step == SQLITE_ROW)
		value = (uint64_t)sqlite3_column_int64(c.statement[s], 0);
	else if (step != SQLITE_DONE)
		bench_die("a lookup");
	sqlite3_reset(c.statement[s]);
	return value;
}

static size_t count(const char *sql)
{
	sqlite3_stmt *statement;
	size_t n;

	if (sqlite3_prepare_v2(c.db, sql, -1, &statement, NULL) !=
	    SQLITE_OK || sqlite3_step(statement) != SQLITE_ROW)
		bench_die(sql);
	n = (size_t)sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return n;
}

void word_make(size_t n)
{
	if (count("SELECT count(*) FROM words"))
		return;
	execute("BEGIN");
	for (size_t i = 0; i < n; i++)
		put(WORD_SET, i, 0);
	execute("COMMIT");
}

void word_set(size_t i, uint64_t value)
{
	put(WORD_SET, i, value);
}

void word_leave(size_t i, uint64_t value)
{
	execute("BEGIN");
	put(WORD_SET, i, value);
}

uint64_t word_get(size_t i)
{
	return get(WORD_GET, i);
}

void map_make(unsigned m, size_t n)
{
	(void)m;
	(void)n;
}

void map_fill(unsigned m, size_t n)
{
	for (uint64_t i = 1; i <= n;) {
		execute("BEGIN");
		for (size_t end = i + FILL_N; i < end && i <= n; i++)
			put(MAP_PUT, map_key(m, i), i);
		execute("COMMIT");
	}
}

void map_insert(unsigned m, uint64_t key, uint64_t value)
{
	(void)m;
	put(MAP_PUT, key, value);
}

uint64_t map_find(unsigned m, uint64_t key)
{
	(void)m;
	return get(MAP_GET, key);
}

bool map_remove(unsigned m, uint64_t key)
{
	(void)m;
	sqlite3_bind_int64(c.statement[MAP_DEL], 1, (sqlite3_int64)key);
	run(MAP_DEL);
	return sqlite3_changes(c.db) == 1;
}

void blob_fill(size_t n, size_t (*len)(void *arg), void *arg)
{
	static const char bytes[BLOB_MOST];

	for (size_t i = 1; i <= n;) {
		execute("BEGIN");
		for (size_t end = i + FILL_N; i < end && i <= n; i++) {
			sqlite3_stmt *s = c.statement[BLOB_PUT];

			sqlite3_bind_int64(s, 1, (sqlite3_int64)i);
			sqlite3_bind_blob(s, 2, bytes, (int)len(arg),
					  SQLITE_STATIC);
			run(BLOB_PUT);
		}
		execute("COMMIT");
	}
}

size_t blob_count(void)
{
	return count("SELECT count(*) FROM blobs");
}
