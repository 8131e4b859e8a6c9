/* The least that a connection costs: a blocking loop of socket, connect and close, for tests/bench/tcp.
 *
 *     connect_loop ADDRESS PORT SECONDS rst|again|fin SOURCES
 *
 * rst sets SO_LINGER to 0, so that close(2) resets and nothing is left behind.  again resets by
 * connect(2) to AF_UNSPEC, and uses its one socket for all connections.  With fin the client
 * closes first and keeps a TIME_WAIT of each port for a minute; connections then come from SOURCES
 * addresses in turn, 127.1.0.1 and so on, or connect(2) would spend its time looking for a port.
 * SOURCES 0 leaves the address to the kernel.  Prints how many connections it made; what they cost is
 * for whoever waits for the process to see.
 *
 * What a reader would get wrong: one connection at a time is no handicap here.  On loopback the whole
 * handshake is done inside connect(2), which never sleeps. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t over;

static void on_alarm(int number)
{
	(void)number;
	over = 1;
}

enum close { CLOSE_RST, CLOSE_AGAIN, CLOSE_FIN };

struct loop {
	struct sockaddr_in to;
	enum close close;
	uint32_t sources;
	int fd; /* the socket that is used again; -1: none yet */
};

static bool bind_source(int fd, uint32_t i)
{
	const struct sockaddr_in source = { .sin_family = AF_INET,
					    .sin_addr.s_addr = htonl(0x7f010001 + i) };
	const int on = 1;

	/* The port is then chosen by connect(2): only the pair of both ends must be free. */
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	return bind(fd, (const struct sockaddr *)&source, sizeof(source)) == 0;
}

static int open_socket(const struct loop *l, uint32_t number)
{
	const struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (l->close == CLOSE_RST)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	if (l->sources && !bind_source(fd, number % l->sources)) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool connect_once(struct loop *l, uint32_t number)
{
	const struct sockaddr none = { .sa_family = AF_UNSPEC };
	bool made;

	if (l->fd == -1)
		l->fd = open_socket(l, number);
	made = connect(l->fd, (const struct sockaddr *)&l->to, sizeof(l->to)) == 0;
	if (l->close == CLOSE_AGAIN)
		return made && connect(l->fd, &none, sizeof(none)) == 0;
	close(l->fd);
	l->fd = -1;
	return made;
}

static enum close close_of(const char *word)
{
	if (strcmp(word, "again") == 0)
		return CLOSE_AGAIN;
	return strcmp(word, "fin") == 0 ? CLOSE_FIN : CLOSE_RST;
}

int main(int argc, char **argv)
{
	const struct sigaction alarmed = { .sa_handler = on_alarm };
	struct loop loop = { .to.sin_family = AF_INET, .fd = -1 };
	uint32_t made = 0;

	if (argc != 6 || inet_pton(AF_INET, argv[1], &loop.to.sin_addr) != 1) {
		fprintf(stderr, "connect_loop ADDRESS PORT SECONDS rst|again|fin SOURCES\n");
		return 2;
	}
	loop.to.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
	loop.close = close_of(argv[4]);
	loop.sources = (uint32_t)strtoul(argv[5], NULL, 10);
	sigaction(SIGALRM, &alarmed, NULL);
	alarm((unsigned)strtoul(argv[3], NULL, 10));
	while (!over) {
		if (connect_once(&loop, made)) {
			made++;
		} else if (!over) {
			perror("connect");
			return 1;
		}
	}
	printf("%u connections\n", made);
	return 0;
}
