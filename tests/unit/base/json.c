/* Reading with places, pointers, and writing whole or not at all, against real files and a real
 * full disk. */
#include "base/json.h"

#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <math.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void text_errors(void **state)
{
	static const struct {
		const char *text, *where, *want;
	} cases[] = {
		{ "", "f", "it is empty; expected a JSON object" },
		{ "{\n  \"a\": 1,\n  \"b\" 2\n}", "f", "line 3, column 7: ':' expected near '2'" },
		{ "{\"a\": 1", "f", "line 1, column 7: '}' expected near end of file" },
		{ "{\"a\": 9223372036854775808}", "f",
		  "line 1, column 25: too big integer near '9223372036854775808'" },
		{ "{\"a\": 1} x", "f", "line 1, column 10: end of file expected near 'x'" },
		{ "{\"a\": 1, \"a\": 2}", "f: /a",
		  "duplicate key \"a\" (line 1, column 10); remove one" },
		{ "{ \"load\": [ {\"name\": \"x,[{\\\"\"}, { \"name\": {\"b\":[1,2]},\n"
		  "\t\t\"timeout\": 1, \"name\": 2 } ] }",
		  "f: /load/1/name", "duplicate key \"name\" (line 2, column 17); remove one" },
		{ "[[], [{}], {\"x\": {\"a/b~\": [0, {\"\\u00e4\": 1, \"\xc3\xa4\": 2}]}}]",
		  "f: /2/x/a~1b~0/1/\xc3\xa4",
		  "duplicate key \"\xc3\xa4\" (line 1, column 45); remove one" },
		{ "{\"\xc3\xa4\": {\"k\": [], \"k\": []}}", "f: /\xc3\xa4/k",
		  "duplicate key \"k\" (line 1, column 17); remove one" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sq_err err = { 0 };
		json_t *doc = sq_json_load_text(cases[i].text, strlen(cases[i].text), "f", &err);

		assert_null(doc);
		assert_int_equal(err.code, -EINVAL);
		assert_string_equal(err.where, cases[i].where);
		assert_string_equal(err.text, cases[i].want);
	}
}

static void pointers(void **state)
{
	static const char text[] =
		"{\"a\": [10, {\"b/c\": 11, \"m~n\": 12}], \"\": 13, \"0\": {\"-\": 14}}";
	static const struct {
		const char *pointer;
		int want; /* -1: nothing */
	} cases[] = {
		{ "/a/0", 10 },      { "/a/1/b~1c", 11 },
		{ "/a/1/m~0n", 12 }, { "/", 13 },
		{ "/0/-", 14 },      { "/a/00", -1 },
		{ "/a/2", -1 },      { "/a/-", -1 },
		{ "/a/x", -1 },      { "/a/0/x", -1 },
		{ "a", -1 },         { "/a/1/m~2n", -1 },
		{ "/missing", -1 },  { "/a/99999999999999999999999", -1 },
	};
	json_t *doc = sq_json_load_text(text, strlen(text), "f", NULL);

	(void)state;
	assert_non_null(doc);
	assert_ptr_equal(sq_json_pointer_get(doc, ""), doc);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *got = sq_json_pointer_get(doc, cases[i].pointer);

		if (cases[i].want == -1)
			assert_null(got);
		else
			assert_int_equal(json_integer_value(got), cases[i].want);
	}
	json_decref(doc);
}

static void setting(void **state)
{
	static const struct {
		const char *pointer;
		int rc;
		const char *want; /* the document, or the error's text */
	} cases[] = {
		{ "/a", 0, "{\"l\":[1],\"s\":\"x\",\"a\":7}" },
		{ "/s", 0, "{\"l\":[1],\"s\":7}" },
		{ "/a/b~1c/d", 0, "{\"l\":[1],\"s\":\"x\",\"a\":{\"b/c\":{\"d\":7}}}" },
		{ "/l/0", 0, "{\"l\":[7],\"s\":\"x\"}" },
		{ "/l/1", 0, "{\"l\":[1,7],\"s\":\"x\"}" },
		{ "/l/-", 0, "{\"l\":[1,7],\"s\":\"x\"}" },
		{ "/l/-/k", 0, "{\"l\":[1,{\"k\":7}],\"s\":\"x\"}" },
		{ "/l/2", -EINVAL,
		  "\"2\" is no index of an array of 1; give 0 to 1, or - to append" },
		{ "/l/x/y", -EINVAL,
		  "\"x\" is no index of an array of 1; give 0 to 1, or - to append" },
		{ "/s/y", -EINVAL,
		  "what stands before \"y\" is neither object nor array; shorten the pointer" },
		{ "/s/y/z", -EINVAL,
		  "what stands before \"y\" is neither object nor array; shorten the pointer" },
		{ "", -EINVAL, "no JSON pointer; it starts with a slash, as \"/load/0/name\"" },
		{ "a", -EINVAL, "no JSON pointer; it starts with a slash, as \"/load/0/name\"" },
		{ "/~2", -EINVAL, "a ~ in a JSON pointer is written ~0, a / in a key ~1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *doc = json_pack("{s:[i], s:s}", "l", 1, "s", "x");
		struct sq_err err = { 0 };
		int rc = sq_json_pointer_set(doc, cases[i].pointer, json_integer(7), &err);

		assert_int_equal(rc, cases[i].rc);
		if (rc == 0) {
			char *got = json_dumps(doc, JSON_COMPACT);

			assert_string_equal(got, cases[i].want);
			free(got);
		} else {
			assert_string_equal(err.where, cases[i].pointer);
			assert_string_equal(err.text, cases[i].want);
		}
		json_decref(doc);
	}
}

static void joining(void **state)
{
	char out[64], small[8];

	(void)state;
	sq_json_pointer_join(out, sizeof(out), "/a", "b/c~");
	assert_string_equal(out, "/a/b~1c~0");
	sq_json_pointer_join(out, sizeof(out), "", "load");
	assert_string_equal(out, "/load");
	sq_json_pointer_join(out, sizeof(out), out, "0");
	assert_string_equal(out, "/load/0");
	sq_json_pointer_join(small, sizeof(small), "/abcd", "efgh");
	assert_string_equal(small, "/abcd/e");
	sq_json_pointer_join(small, sizeof(small), "/abcd", "/");
	assert_string_equal(small, "/abcd/");
	sq_json_pointer_join(small, sizeof(small), "/abcdefghij", "k");
	assert_string_equal(small, "/abcdef");
}

static int make_folder(void **state)
{
	char *folder = strdup("/tmp/sq-json-XXXXXX");

	*state = folder;
	return mkdtemp(folder) ? 0 : -1;
}

static size_t count_files(const char *folder)
{
	char pattern[64];
	glob_t found;
	size_t n;

	snprintf(pattern, sizeof(pattern), "%s/*", folder);
	n = glob(pattern, 0, NULL, &found) == 0 ? found.gl_pathc : 0;
	globfree(&found);
	return n;
}

static int remove_folder(void **state)
{
	char pattern[64];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/*", (char *)*state);
	if (glob(pattern, 0, NULL, &found) == 0)
		for (size_t i = 0; i < found.gl_pathc; i++)
			unlink(found.gl_pathv[i]);
	globfree(&found);
	rmdir(*state);
	free(*state);
	return 0;
}

static void saving(void **state)
{
	const char *folder = *state;
	char path[64], link[64], text[100] = "";
	json_t *doc = json_pack("{s:[f, o]}", "a", 0.1, sq_json_real(NAN)), *back;
	struct sq_err err = { 0 };
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "%s/x.json", folder);
	snprintf(link, sizeof(link), "%s/latest.json", folder);
	assert_int_equal(symlink("x.json", link), 0);
	assert_int_equal(sq_json_save(doc, path, &err), 0);
	fd = open(path, O_RDONLY);
	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	assert_string_equal(text, "{\n  \"a\": [\n    0.1,\n    null\n  ]\n}\n");

	/* Through the link, the file changes and the link stays. */
	json_object_set_new(doc, "b", json_integer(1));
	assert_int_equal(sq_json_save(doc, link, &err), 0);
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	back = sq_json_load_file(path, &err);
	assert_true(json_equal(doc, back));
	assert_int_equal(count_files(folder), 2);
	json_decref(back);
	json_decref(doc);
}

static void file_errors(void **state)
{
	const char *folder = *state;
	json_t *doc = json_object();
	struct sq_err err = { 0 };
	char path[64];

	snprintf(path, sizeof(path), "%s/none.json", folder);
	assert_null(sq_json_load_file(path, &err));
	assert_int_equal(err.code, -ENOENT);
	assert_string_equal(err.where, path);
	assert_string_equal(err.text, "cannot read it: No such file or directory; check the path");
	assert_null(sq_json_load_file(folder, &err));
	assert_int_equal(err.code, -EISDIR);
	snprintf(path, sizeof(path), "%s/none/x.json", folder);
	assert_int_equal(sq_json_save(doc, path, &err), -ENOENT);
	assert_string_equal(err.text, "its folder does not exist; make it first");
	assert_int_equal(sq_json_save(doc, "/dev/full", &err), -EINVAL);
	assert_string_equal(err.text, "it is no regular file; give another path");
	assert_int_equal(sq_json_save(NULL, path, &err), -EINVAL);
	json_decref(doc);
}

/* A write that fails half-way, by the limit on a file's size: in a child, for it is for good. */
static void what_stood_there_stands(void **state)
{
	const char *folder = *state;
	json_t *doc = json_pack("{s:i}", "old", 1), *back;
	char path[64];
	int status;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/y.json", folder);
	assert_int_equal(sq_json_save(doc, path, NULL), 0);
	pid = fork();
	assert_true(pid != -1);
	if (pid == 0) {
		struct rlimit limit = { 4096, 4096 };
		json_t *large = json_array();
		struct sq_err err = { 0 };

		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &limit);
		for (int i = 0; i < 10000; i++)
			json_array_append_new(large, json_integer(i));
		_exit(sq_json_save(large, path, &err) == -EFBIG && err.code == -EFBIG ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	back = sq_json_load_file(path, NULL);
	assert_true(json_equal(doc, back));
	assert_int_equal(count_files(folder), 1);
	json_decref(back);
	json_decref(doc);
}

static int write_proc(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY), rc;

	rc = write(fd, text, strlen(text)) > 0 ? 0 : -1;
	close(fd);
	return rc;
}

/* A user and a mount namespace, so that the disk needs no root. */
static int enter_namespaces(void)
{
	char uids[32], gids[32];

	snprintf(uids, sizeof(uids), "0 %u 1", getuid());
	snprintf(gids, sizeof(gids), "0 %u 1", getgid());
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) == -1 ||
	    write_proc("/proc/self/uid_map", uids) == -1 ||
	    write_proc("/proc/self/setgroups", "deny") == -1)
		return -1;
	return write_proc("/proc/self/gid_map", gids);
}

/* In a child with a tmpfs of 16 KiB for a disk: 0, or the line that failed. */
static int fill_disk(const char *folder)
{
	json_t *small = json_pack("{s:i}", "old", 1), *large = json_array(), *back;
	struct sq_err err = { 0 };
	char path[64];

	if (enter_namespaces() == -1 || mount("none", folder, "tmpfs", 0, "size=16k") == -1)
		return __LINE__;
	snprintf(path, sizeof(path), "%s/z.json", folder);
	for (int i = 0; i < 10000; i++)
		json_array_append_new(large, json_integer(i));
	if (sq_json_save(small, path, &err) != 0)
		return __LINE__;
	if (sq_json_save(large, path, &err) != -ENOSPC || err.code != -ENOSPC)
		return __LINE__;
	if (strcmp(err.text, "no space left on its disk (No space left on device), nothing was "
			     "written; make room or write elsewhere") != 0)
		return __LINE__;
	back = sq_json_load_file(path, &err);
	if (!json_equal(back, small) || count_files(folder) != 1)
		return __LINE__;
	return 0;
}

static void a_full_disk(void **state)
{
	const char *folder = *state;
	int status, line = 0;
	int fd[2];
	pid_t pid;

	assert_int_equal(pipe(fd), 0);
	pid = fork();
	assert_true(pid != -1);
	if (pid == 0) {
		line = fill_disk(folder);
		_exit(write(fd[1], &line, sizeof(line)) == sizeof(line) ? 0 : 1);
	}
	close(fd[1]);
	assert_int_equal(read(fd[0], &line, sizeof(line)), sizeof(line));
	close(fd[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(line, 0);
	assert_int_equal(count_files(folder), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_errors),
		cmocka_unit_test(pointers),
		cmocka_unit_test(setting),
		cmocka_unit_test(joining),
		cmocka_unit_test_setup_teardown(saving, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(file_errors, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(a_full_disk, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(what_stood_there_stands, make_folder,
						remove_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
