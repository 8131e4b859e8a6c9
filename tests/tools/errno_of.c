/* Runs a program whose IPv4 connects fail at once: errno_of ERRNO COMMAND [ARGUMENT...]
 *
 * Some errnos of connect(2) can't be had from a stream by honest means: the kernel sends a SYN
 * again, whatever became of the first one, so a packet filter or a full queue shows as a time-out.
 * Security modules and cgroup programs do give them; a seccomp filter stands in for those here.
 *
 * It looks at the length of the address, since a filter can't look at the address itself:
 * connects to Unix sockets and by IPv6 stay as they are.  It is inherited by all children. */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ERRNOS = 134, USAGE = 2, CANNOT = 126 };

/* 0 for none. */
static unsigned errno_by_name(const char *name)
{
	for (int i = 1; i < ERRNOS; i++) {
		const char *known = strerrorname_np(i);

		if (known && strcmp(known, name) == 0)
			return (unsigned)i;
	}
	return 0;
}

static int forbid_connect(unsigned code)
{
	/* The low half of a 64-bit argument: the kernels that run this are little-endian. */
	struct sock_filter lines[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_connect, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, sizeof(struct sockaddr_in), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | code),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog filter = {
		.len = sizeof(lines) / sizeof(*lines),
		.filter = lines,
	};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
}

int main(int argc, char **argv)
{
	unsigned code = argc > 2 ? errno_by_name(argv[1]) : 0;

	if (!code) {
		fprintf(stderr, "usage: errno_of ERRNO COMMAND [ARGUMENT...]\n");
		return USAGE;
	}
	if (forbid_connect(code) == -1) {
		perror("errno_of: seccomp");
		return CANNOT;
	}
	execvp(argv[2], argv + 2);
	perror("errno_of: exec");
	return CANNOT;
}
