/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tests/tools_image.c: images of a pool that is in use (tools/inside/image.c),
 * with transactions put in between the steps of making one: not by chance, but
 * at each place where the bytes of the pool are looked at. The worker threads
 * commit in different lanes. Each image is verified by a process of its own.
 *
 * PMHEAP_TEST_IMAGES says how many seeds are tried; the number of a seed as the
 * argument tries that one only.
 */
#include "inside/image.h"
#include "tools_work.h"

#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE ((size_t)3 << 20)

int __real_found_capture(struct live *l, struct found *f);
int __wrap_found_capture(struct live *l, struct found *f);
int __real_live_read(const struct live *l, uint64_t off, void *buf, uint64_t n);
int __wrap_live_read(const struct live *l, uint64_t off, void *buf, uint64_t n);
int __real_live_poll(struct live *l);
int __wrap_live_poll(struct live *l);

static struct hand {
	pthread_t thread;
	sem_t go, done;
	uint64_t seed;
	int err;
} hands[WORKERS_MAX];

static uint64_t dice_state;
static bool between;		/* transactions are put in between */
static uint64_t steps;

static uint64_t dice(uint64_t n)
{
	dice_state = dice_state * 6364136223846793005u + 1442695040888963407u;
	return (dice_state >> 33) % n;
}

static void *hand_main(void *arg)
{
	struct hand *h = arg;

	for (;;) {
		sem_wait(&h->go);
		h->err = work_step((unsigned)(h - hands), &h->seed);
		sem_post(&h->done);
	}
	return NULL;
}

static void one_step(unsigned worker)
{
	sem_post(&hands[worker].go);
	sem_wait(&hands[worker].done);
	steps++;
	if (hands[worker].err) {
		fprintf(stderr, "a transaction fails: %s\n", pm_errormsg());
		exit(1);
	}
}

/* Seldom enough that the log is not written over all the time. */
static void put_between(uint64_t seldom)
{
	static bool inside;

	if (!between || inside || dice(seldom))
		return;
	inside = true;
	for (uint64_t n = 1 + dice(3); n; n--)
		one_step((unsigned)dice(WORKERS_MAX));
	inside = false;
}

int __wrap_found_capture(struct live *l, struct found *f)
{
	put_between(3);
	return __real_found_capture(l, f);
}

int __wrap_live_read(const struct live *l, uint64_t off, void *buf, uint64_t n)
{
	put_between(8);
	return __real_live_read(l, off, buf, n);
}

int __wrap_live_poll(struct live *l)
{
	put_between(2);
	return __real_live_poll(l);
}

/* By a process that has nothing of this one's. */
static int verify(const char *path)
{
	const char *build = getenv("top_builddir");
	char program[4096];
	int status;
	pid_t pid;

	snprintf(program, sizeof(program), "%s/tests/tools_busy",
		 build ? build : ".");
	pid = fork();
	if (pid == 0) {
		close(1);
		execl(program, program, "verify", path, (char *)NULL);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	return status;
}

static int image_of(const char *pool, const char *copy, uint64_t seed,
		    struct image_report *report)
{
	struct image_how how = {.what = IMAGE_ALL, .limit_ms = 20000};
	PmCheckReport check;
	int fd = open(copy, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), ret;

	dice_state = seed;
	between = true;
	ret = image_make(pool, fd, &how, report);
	between = false;
	close(fd);
	if (ret || pm_check(copy, 0, &check)) {
		fprintf(stderr, "seed %llu: %s\n", (unsigned long long)seed,
			pm_errormsg());
		return 1;
	}
	if (check.status != PM_CHECK_CLEAN || verify(copy)) {
		fprintf(stderr, "seed %llu: the image is wrong: %s\n",
			(unsigned long long)seed, check.message);
		return 1;
	}
	return 0;
}

static int start(const char *pool, int relaxed)
{
	PmWrapperConfig config = {.path = pool, .size = SIZE, .lanes = 4,
				  .lane_size = 64 << 10,
				  .max_size = 16 * SIZE,
				  .flags = PM_CREATE | PM_EXCL};

	if (pm_init(config) || pm_close() || work_open(pool, relaxed, 17, 23))
		return 1;
	for (unsigned i = 0; i < WORKERS_MAX; i++) {
		sem_init(&hands[i].go, 0, 0);
		sem_init(&hands[i].done, 0, 0);
		hands[i].seed = i;
		if (pthread_create(&hands[i].thread, NULL, hand_main,
				   &hands[i]))
			return 1;
	}
	for (unsigned i = 0; i < 400; i++)
		one_step(i % WORKERS_MAX);
	return 0;
}

static int run(const char *dir, int relaxed, uint64_t from, uint64_t to)
{
	char pool[4096], copy[4096];
	uint64_t attempts = 0;
	int bad = 0;

	snprintf(pool, sizeof(pool), "%s/pool", dir);
	snprintf(copy, sizeof(copy), "%s/copy", dir);
	bad = start(pool, relaxed);
	if (bad)
		fprintf(stderr, "cannot begin: %s\n", pm_errormsg());
	for (uint64_t seed = from; seed < to && !bad; seed++) {
		struct image_report report;

		bad = image_of(pool, copy, seed, &report);
		attempts += report.attempts;
	}
	printf("%s: %llu images in %llu attempts, %llu transactions\n",
	       relaxed ? "in groups" : "strict",
	       (unsigned long long)(to - from), (unsigned long long)attempts,
	       (unsigned long long)steps);
	unlink(pool);
	unlink(copy);
	return bad;
}

int main(int argc, char **argv)
{
	const char *many = getenv("PMHEAP_TEST_IMAGES");
	uint64_t from = 0, to = many ? strtoull(many, NULL, 10) : 60;
	char dir[] = "/tmp/pmheap-image-XXXXXX";
	char shm[] = "/dev/shm/pmheap-image-XXXXXX";
	char *place = mkdtemp(shm) ? shm : mkdtemp(dir);
	int bad = 0;

	if (argc > 1) {
		from = strtoull(argv[1], NULL, 10);
		to = from + 1;
	}
	for (int relaxed = 0; place && relaxed < 2; relaxed++) {
		pid_t pid = fork();
		int status;

		if (pid == 0)
			exit(run(place, relaxed, from, to));
		waitpid(pid, &status, 0);
		bad |= status != 0;
	}
	if (place)
		rmdir(place);
	return bad || !place;
}
