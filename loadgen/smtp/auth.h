/* How a session says who it is (RFC 4954): the lines of AUTH PLAIN and LOGIN, made once for all. */
#ifndef SQ_LOADGEN_SMTP_AUTH_H
#define SQ_LOADGEN_SMTP_AUTH_H

enum { SQ_SMTP_AUTH_PLAIN, SQ_SMTP_AUTH_LOGIN };
enum { SQ_SMTP_AUTH_LINES = 3 };

/* 334 asks for the line after each but the last. */
struct sq_smtp_auth {
	char *line[SQ_SMTP_AUTH_LINES];
	unsigned n;
};

struct sq_smtp_auth *sq_smtp_auth_new(int mechanism, const char *user, const char *password);
struct sq_smtp_auth *sq_smtp_auth_free(struct sq_smtp_auth *a);

#endif
