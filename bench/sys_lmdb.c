/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench/sys_lmdb.c: LMDB as it comes: a commit ends with fdatasync(2), there is
 * one writer at a time. A thread's lookups use one read transaction, which is
 * renewed for each.
 */
#include "sys.h"

#include <lmdb.h>
#include <stdlib.h>
#include <string.h>

#define FILL_N 1000
#define BLOB_MOST 4096

enum { WORDS, MAP, BLOBS, TABLES };
static const char *const table_names[TABLES] = { "words", "map", "blobs" };

static MDB_env *env;
static MDB_dbi table[TABLES];
static int last_error;
static __thread MDB_txn *reader;

void sys_start(char **argv)
{
	(void)argv;
}

const char *sys_error(void)
{
	return mdb_strerror(last_error);
}

static void must(int err, const char *what)
{
	last_error = err;
	if (err)
		bench_die(what);
}

static void reader_end(void)
{
	if (reader)
		mdb_txn_abort(reader);
	reader = NULL;
}

void sys_thread_begin(void)
{
}

void sys_thread_end(void)
{
	reader_end();
}

static MDB_txn *tx_begin(void)
{
	MDB_txn *tx;

	must(mdb_txn_begin(env, NULL, 0, &tx), "a transaction");
	return tx;
}

/* The file is as long as it needs to be, whatever the map's size. */
static void env_open(const char *path, size_t map_len)
{
	MDB_txn *tx;

	must(mdb_env_create(&env), "an environment");
	must(mdb_env_set_mapsize(env, map_len), "the map's size");
	must(mdb_env_set_maxdbs(env, TABLES), "tables");
	must(mdb_env_open(env, path, MDB_NOSUBDIR, 0600), "opening");
	tx = tx_begin();
	for (int t = 0; t < TABLES; t++)
		must(mdb_dbi_open(tx, table_names[t],
				  MDB_CREATE | MDB_INTEGERKEY, &table[t]),
		     "a table");
	must(mdb_txn_commit(tx), "a transaction");
}

void sys_create(unsigned pool, const char *path, size_t len)
{
	(void)pool;
	env_open(path, len * 8 + ((size_t)64 << 20));
}

/* With the map's size that it has. */
void sys_reopen(unsigned pool, const char *path)
{
	(void)pool;
	env_open(path, 0);
}

void sys_close(unsigned pool)
{
	(void)pool;
	reader_end();
	mdb_env_close(env);
}

static int put(MDB_txn *tx, int t, uint64_t key, const void *value,
	       size_t value_len)
{
	MDB_val k = { sizeof key, &key };
	MDB_val v = { value_len, (void *)value };

	return mdb_put(tx, table[t], &k, &v, 0);
}

static void put_alone(int t, uint64_t key, uint64_t value)
{
	MDB_txn *tx = tx_begin();

	must(put(tx, t, key, &value, sizeof value), "a change");
	must(mdb_txn_commit(tx), "a transaction");
}

/* 0: there is none. */
static uint64_t get(int t, uint64_t key)
{
	MDB_val k = { sizeof key, &key }, v;
	uint64_t value = 0;
	int err;

	if (reader)
		must(mdb_txn_renew(reader), "a lookup");
	else
		must(mdb_txn_begin(env, NULL, MDB_RDONLY, &reader),
		     "a lookup");
	err = mdb_get(reader, table[t], &k, &v);
	if (err == 0)
		memcpy(&value, v.mv_data, sizeof value);
	else if (err != MDB_NOTFOUND)
		must(err, "a lookup");
	mdb_txn_reset(reader);
	return value;
}

static size_t rows(int t)
{
	MDB_txn *tx;
	MDB_stat stat;

	must(mdb_txn_begin(env, NULL, MDB_RDONLY, &tx), "counting");
	must(mdb_stat(tx, table[t], &stat), "counting");
	mdb_txn_abort(tx);
	return stat.ms_entries;
}

void word_make(size_t n)
{
	static const uint64_t zero;

	if (rows(WORDS))
		return;
	for (size_t i = 0; i < n;) {
		MDB_txn *tx = tx_begin();

		for (size_t end = i + FILL_N; i < end && i < n; i++)
			must(put(tx, WORDS, i, &zero, sizeof zero), "a word");
		must(mdb_txn_commit(tx), "a transaction");
	}
}

void word_set(size_t i, uint64_t value)
{
	put_alone(WORDS, i, value);
}

void word_leave(size_t i, uint64_t value)
{
	must(put(tx_begin(), WORDS, i, &value, sizeof value), "a change");
}

uint64_t word_get(size_t i)
{
	return get(WORDS, i);
}

void map_make(unsigned m, size_t n)
{
	(void)m;
	(void)n;
}

void map_fill(unsigned m, size_t n)
{
	for (uint64_t i = 1; i <= n;) {
		MDB_txn *tx = tx_begin();

		for (size_t end = i + FILL_N; i < end && i <= n; i++)
			must(put(tx, MAP, map_key(m, i), &i, sizeof i),
			     "an item");
		must(mdb_txn_commit(tx), "a transaction");
	}
}

void map_insert(unsigned m, uint64_t key, uint64_t value)
{
	(void)m;
	put_alone(MAP, key, value);
}

uint64_t map_find(unsigned m, uint64_t key)
{
	(void)m;
	return get(MAP, key);
}

bool map_remove(unsigned m, uint64_t key)
{
	MDB_val k = { sizeof key, &key };
	MDB_txn *tx = tx_begin();
	int err = mdb_del(tx, table[MAP], &k, NULL);

	(void)m;
	if (err != MDB_NOTFOUND)
		must(err, "a remove");
	must(mdb_txn_commit(tx), "a transaction");
	return err == 0;
}

void blob_fill(size_t n, size_t (*len)(void *arg), void *arg)
{
	static const char bytes[BLOB_MOST];

	for (size_t i = 1; i <= n;) {
		MDB_txn *tx = tx_begin();

		for (size_t end = i + FILL_N; i < end && i <= n; i++)
			must(put(tx, BLOBS, i, bytes, len(arg)), "a blob");
		must(mdb_txn_commit(tx), "a transaction");
	}
}

size_t blob_count(void)
{
	return rows(BLOBS);
}
