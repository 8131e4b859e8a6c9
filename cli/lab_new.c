/* squall lab new: JSON has no comments, so the lab to begin with has a page beside it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/args.h"
#include "cli/command.h"
#include "cli/lab.h"

/* @ is the name.  It runs as it is, fails, and is cured. */
static const char lab_text[] =
	"{\n"
	"  \"name\": \"@\",\n"
	"  \"description\": \"what fails, and when, in one line\",\n"
	"  \"reported_in\": \"the bug report\",\n"
	"  \"needs\": {},\n"
	"  \"world\": {\n"
	"    \"hosts\": {\n"
	"      \"client\": {},\n"
	"      \"server\": {\n"
	"        \"sysctl\": {\"net.core.somaxconn\": 64, \"net.ipv4.tcp_abort_on_overflow\": 0},\n"
	"        \"run\": [{\"sink\": \"tcp\", \"listen\": \"0.0.0.0:9000\", \"backlog\": 64, \"never_accept\": true}]\n"
	"      }\n"
	"    },\n"
	"    \"links\": [{\"between\": [\"client\", \"server\"]}]\n"
	"  },\n"
	"  \"target\": \"server:9000\",\n"
	"  \"load\": [\n"
	"    {\n"
	"      \"name\": \"storm\",\n"
	"      \"driver\": \"tcp\",\n"
	"      \"until\": \"connected\",\n"
	"      \"duration\": \"500ms\",\n"
	"      \"timeout\": \"800ms\",\n"
	"      \"arrivals\": {\"burst\": 200, \"every\": \"1s\", \"phase\": \"0s\"}\n"
	"    }\n"
	"  ],\n"
	"  \"expect\": [\n"
	"    \"storm.timeout == 135\",\n"
	"    \"server.TcpExt.ListenOverflows == storm.timeout\",\n"
	"    \"account.unexplained == 0\"\n"
	"  ],\n"
	"  \"finding\": \"accept-queue-overflow\",\n"
	"  \"cure\": {\n"
	"    \"text\": \"a backlog that holds the burst: somaxconn and listen(), both\",\n"
	"    \"set\": {\n"
	"      \"/world/hosts/server/sysctl/net.core.somaxconn\": 1024,\n"
	"      \"/world/hosts/server/run/0/backlog\": 1024\n"
	"    },\n"
	"    \"expect\": [\"storm.ok == 200\"]\n"
	"  }\n"
	"}\n";

static const char page_text[] =
	"# @\n\n"
	"`squall lab run ./@.json` runs the failure, then the cure, and says whether both did as the file\n"
	"says. `squall help scenario` lists every key.\n\n"
	"- `reported_in`: where the failure comes from.\n"
	"- `needs`: programs that must be there, each with its package: `{\"named\": \"bind9\", \"root\": \"why\"}`.\n"
	"- `world`: hosts, links (with a shaper: `\"shape\": {\"rate\", \"limit\", \"host\"}`), servers (`run`: a built-in\n"
	"  `sink` with faults, or a program's `argv`, which takes --allow-exec). Give every `sysctl` on which the\n"
	"  numbers rest, also those at their default: other kernels have others. Settings of the whole machine stand\n"
	"  in `world.sysctl`, and take --allow-global.\n"
	"- `load`: what clients do. `expect`: what must come of it; write identities between what clients saw and what\n"
	"  the kernel counted, and numbers only where they are exact.\n"
	"- `finding`: the mechanism that the report must name.\n"
	"- `cure`: what to change (`set`: JSON pointers into the file), and what must hold then.\n\n"
	"Then: `squall lab prove ./@.json` shows that the change, and not chance, made the difference.\n";

static void write_text(FILE *f, const char *text, const char *name)
{
	for (; *text; text++)
		if (*text == '@')
			fputs(name, f);
		else
			fputc(*text, f);
}

static int write_new(const char *name, const char *suffix, const char *text)
{
	char *path = sq_printf_dup("%s%s", name, suffix);
	FILE *f = fopen(path, "wxe");
	struct sq_err err = { 0 };

	if (f)
		write_text(f, text, name);
	if (!f || fclose(f) != 0)
		sq_err_set(&err, -errno, path, "cannot make it: %s; choose another name",
			   strerror(errno));
	if (err.code)
		sq_complain(&err);
	else
		printf("%s\n", path);
	free(path);
	return err.code;
}

static bool is_name(const char *name)
{
	static const char good[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";

	return *name && strlen(name) <= 64 && !name[strspn(name, good)];
}

int sq_lab_new(const char *name)
{
	if (!is_name(name)) {
		fprintf(stderr, "squall: lab new: expected a name of letters, digits, - and _\n");
		return SQ_EXIT_USAGE;
	}
	if (write_new(name, ".json", lab_text) < 0 || write_new(name, ".md", page_text) < 0)
		return SQ_EXIT_USAGE;
	return SQ_EXIT_OK;
}
