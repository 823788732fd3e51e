/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * verify.c: asking the program: by a command that is run for each state, or by
 * a server inside the program that forks a child for each.
 */
#include "crash/format.h"
#include "crash/judge.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

void verify_preload(const char *recorder)
{
	const char *also = getenv("LD_PRELOAD"), *asan = getenv("ASAN_OPTIONS");
	char text[8192];

	snprintf(text, sizeof(text), "%s%s%s", recorder, also && *also ? ":" : "",
		 also ? also : "");
	setenv("LD_PRELOAD", text, 1);
	/* A program with its own sanitizer is preloaded all the same. */
	snprintf(text, sizeof(text), "%s%sverify_asan_link_order=0",
		 asan ? asan : "", asan && *asan ? ":" : "");
	setenv("ASAN_OPTIONS", text, 1);
}

/* In the child: its own group, killed when we are, and nothing to read. */
static void child_prepare(const struct judge *j)
{
	int in = open("/dev/null", O_RDONLY);

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	if (in >= 0)
		dup2(in, STDIN_FILENO);
	dup2(j->said, STDOUT_FILENO);
	dup2(j->said, STDERR_FILENO);
	unsetenv(ENV_RECORD);
	unsetenv("PMHEAP_BACKEND");
	unsetenv("PMHEAP_ASSUME_PMEM");
	setenv(ENV_VERIFY, j->dir, 1);
	setenv("PMHEAP_CRASH_DIR", j->dir, 1);
	setenv("PMHEAP_CRASH_POOL", pools_path(j, run_primary(j->run)), 1);
	verify_preload(j->recorder);
}

static void said_forget(const struct judge *j)
{
	if (ftruncate(j->said, 0) == 0)
		lseek(j->said, 0, SEEK_SET);
}

/* The last line that was said, as one that can be printed. */
static void said_take(const struct judge *j, char *text)
{
	char buf[4096], *line;
	off_t end = lseek(j->said, 0, SEEK_END);
	off_t from = end > (off_t)sizeof(buf) - 1 ?
		     end - (off_t)sizeof(buf) + 1 : 0;
	ssize_t n = pread(j->said, buf, sizeof(buf) - 1, from);

	if (n < 0)
		n = 0;
	while (n > 0 && isspace((unsigned char)buf[n - 1]))
		n--;
	buf[n] = 0;
	line = strrchr(buf, '\n');
	line = line ? line + 1 : buf;
	snprintf(text, VERDICT_TEXT, "%.*s", VERDICT_TEXT - 1, line);
	for (; *text; text++)
		if (iscntrl((unsigned char)*text))
			*text = ' ';
}

static void verdict_set(const struct judge *j, struct verdict *v,
			enum verdict_kind kind, int code)
{
	v->kind = kind;
	v->code = code;
	said_take(j, v->text);
}

static void kill_group(pid_t pid)
{
	int status;

	kill(-pid, SIGKILL);
	kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
}

/* Waits until fd is ready; false: not in time. */
static bool wait_ready(int fd, unsigned timeout_s)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int n;

	do {
		n = poll(&p, 1, (int)timeout_s * 1000);
	} while (n < 0 && errno == EINTR);
	return n > 0;
}

/* {} becomes the path of the primary pool. */
static char *command_text(const struct judge *j)
{
	const char *path = pools_path(j, run_primary(j->run)), *p, *mark;
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	for (p = j->command; (mark = strstr(p, "{}")); p = mark + 2) {
		fprintf(f, "%.*s'", (int)(mark - p), p);
		for (const char *c = path; *c; c++)
			fputs(*c == '\'' ? "'\\''" : (char[]){*c, 0}, f);
		fputc('\'', f);
	}
	fputs(p, f);
	fclose(f);
	return text;
}

void verify_command(struct judge *j, struct verdict *v)
{
	char *text = command_text(j);
	int status, fd;
	pid_t pid;

	said_forget(j);
	pid = text ? fork() : -1;
	if (pid == 0) {
		child_prepare(j);
		execl("/bin/sh", "sh", "-c", text, (char *)NULL);
		_exit(127);
	}
	free(text);
	fd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
	if (fd < 0) {
		verdict_set(j, v, V_BROKEN, errno);
		if (pid > 0)
			kill_group(pid);
		return;
	}
	if (!wait_ready(fd, j->timeout_s)) {
		kill_group(pid);
		verdict_set(j, v, V_HANG, 0);
	} else if (waitpid(pid, &status, 0) != pid) {
		verdict_set(j, v, V_BROKEN, errno);
	} else if (WIFSIGNALED(status)) {
		verdict_set(j, v, V_SIGNAL, WTERMSIG(status));
	} else if (WEXITSTATUS(status)) {
		/* The last two are the shell's: there is no such command. */
		verdict_set(j, v, WEXITSTATUS(status) == 126 ||
			    WEXITSTATUS(status) == 127 ? V_BROKEN :
			    V_EXIT, WEXITSTATUS(status));
	}
	kill(-pid, SIGKILL);	/* what it left behind */
	close(fd);
}

static bool server_start(struct judge *j)
{
	int to[2], from[2];
	char fds[64];

	if (pipe2(to, O_CLOEXEC))
		return false;
	if (pipe2(from, O_CLOEXEC)) {
		close(to[0]);
		close(to[1]);
		return false;
	}
	j->server = fork();
	if (j->server == 0) {
		child_prepare(j);
		fcntl(to[0], F_SETFD, 0);
		fcntl(from[1], F_SETFD, 0);
		snprintf(fds, sizeof(fds), "%d,%d", to[0], from[1]);
		setenv(ENV_SERVE, fds, 1);
		execvp(j->program[0], j->program);
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	j->to_server = to[1];
	j->from_server = from[0];
	return j->server > 0;
}

void verify_end(struct judge *j)
{
	if (j->server <= 0)
		return;
	close(j->to_server);
	close(j->from_server);
	kill_group(j->server);
	j->server = 0;
}

/* One line; false: the server is gone. */
static bool server_reply(const struct judge *j, char *line, size_t room)
{
	size_t n = 0;

	while (n + 1 < room && read(j->from_server, line + n, 1) == 1)
		if (line[n++] == '\n')
			break;
	line[n] = 0;
	return n && line[n - 1] == '\n';
}

void verify_callback(struct judge *j, struct verdict *v)
{
	const char *path = pools_path(j, run_primary(j->run));
	char line[64];
	int code;

	said_forget(j);
	if ((j->server <= 0 && !server_start(j)) ||
	    dprintf(j->to_server, "%s\n", path) < 0) {
		verdict_set(j, v, V_BROKEN, errno);
	} else if (!wait_ready(j->from_server, j->timeout_s)) {
		verdict_set(j, v, V_HANG, 0);
	} else if (!server_reply(j, line, sizeof(line))) {
		verdict_set(j, v, V_BROKEN, 0);
	} else if (sscanf(line, "signal %d", &code) == 1) {
		verdict_set(j, v, V_SIGNAL, code);
		return;
	} else if (sscanf(line, "exit %d", &code) == 1) {
		if (code)
			verdict_set(j, v, V_EXIT, code);
		return;
	}
	verify_end(j);
}
