/* Running ip, tc and nft: argv only, never a shell, one process for many commands (their batch
 * modes read standard input).  Both ends of the conversation are memory files, not pipes: however
 * long the text or the complaint, neither side can block the other. */
#include <sys/mman.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "scenarios/world_private.h"

/* Ordinary users often have no sbin in their PATH. */
static const char more_path[] = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin";

/* The program's path, to be freed, or NULL. */
static char *find_tool(const char *name)
{
	const char *path = getenv("PATH");
	char *dirs = sq_printf_dup("%s:%s", path ? path : "", more_path);
	char *found = NULL;
	char *rest = dirs;
	char *dir;

	while (!found && (dir = strsep(&rest, ":"))) {
		if (dir[0] != '/')
			continue;
		found = sq_printf_dup("%s/%s", dir, name);
		if (access(found, X_OK) == -1) {
			free(found);
			found = NULL;
		}
	}
	free(dirs);
	return found;
}

static int memory_file(const char *text)
{
	size_t len = strlen(text);
	int fd = memfd_create("squall", MFD_CLOEXEC);

	if (fd == -1)
		return -errno;
	if (write(fd, text, len) != (ssize_t)len || lseek(fd, 0, SEEK_SET) == -1) {
		close(fd);
		return -ENOMEM;
	}
	return fd;
}

static _Noreturn void child_exec(const struct sq_world *w, size_t host, const char *path,
				 const char *const *argv, int in, int out)
{
	for (size_t i = 0; i < w->n; i++)
		fcntl(w->netns[i], F_SETFD, 0);
	if (host != SIZE_MAX && setns(w->netns[host], CLONE_NEWNET) == -1)
		dprintf(out, "setns: %s", strerror(errno));
	else if (dup2(in, STDIN_FILENO) == -1 || dup2(out, STDOUT_FILENO) == -1 ||
		 dup2(out, STDERR_FILENO) == -1)
		dprintf(out, "dup2: %s", strerror(errno));
	else if (execv(path, (char *const *)argv) == -1)
		dprintf(out, "%s: %s", path, strerror(errno));
	_exit(127);
}

/* The batch line that "Command failed -:N" speaks of; "" when there is none. */
static void failed_line(const char *said, const char *input, char *out, size_t size)
{
	const char *mark = strstr(said, "Command failed -:");
	long n = mark ? strtol(mark + strlen("Command failed -:"), NULL, 10) : 0;

	out[0] = '\0';
	while (n > 1 && input) {
		input = strchr(input, '\n');
		if (input)
			input++;
		n--;
	}
	if (n == 1 && input)
		snprintf(out, size, "%.*s", (int)strcspn(input, "\n"), input);
}

static int complain(const struct sq_world *w, size_t host, const char *tool, const char *input,
		    int out, struct sq_err *err)
{
	char where[128], line[200], said[481] = "";
	ssize_t len = pread(out, said, sizeof(said) - 1, 0);

	while (len > 0 && strchr(" \n\t", said[len - 1]))
		said[--len] = '\0';
	failed_line(said, input, line, sizeof(line));
	for (char *nl = said; (nl = strchr(nl, '\n'));)
		*nl = ' ';
	snprintf(where, sizeof(where), "%s%s", host == SIZE_MAX ? "world" : "host ",
		 host == SIZE_MAX ? "" : w->plan->hosts[host].name);
	return sq_err_set(err, -EIO, where, "%s failed: %s%s%s%s", tool,
			  said[0] ? said : "it said nothing", line[0] ? " (`" : "", line,
			  line[0] ? "`)" : "");
}

static int run(const struct sq_world *w, size_t host, const char *path, const char *const *argv,
	       const char *input, int in, int out, struct sq_err *err)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == -1)
		return sq_err_set(err, -errno, "world", "fork: %s", strerror(errno));
	if (pid == 0)
		child_exec(w, host, path, argv, in, out);
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return sq_err_set(err, -errno, "world", "waitpid: %s", strerror(errno));
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return complain(w, host, argv[0], input, out, err);
}

int sq_world_tool(const struct sq_world *w, size_t host, const char *const *argv, const char *input,
		  struct sq_err *err)
{
	char *path = find_tool(argv[0]);
	int in, out;
	int rc;

	if (!path)
		return sq_err_set(err, -ENOENT, "world",
				  "the program %s is not installed; install the package %s",
				  argv[0], strcmp(argv[0], "nft") == 0 ? "nftables" : "iproute2");
	in = memory_file(input);
	out = memory_file("");
	if (in < 0 || out < 0)
		rc = sq_err_set(err, in < 0 ? in : out, "world", "memfd_create: %s",
				strerror(in < 0 ? -in : -out));
	else
		rc = run(w, host, path, argv, input, in, out, err);
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	free(path);
	return rc;
}
