/* libFuzzer over what BSD's tools print: each text through every parser. */
#include "analyzers/formats/bsd_text.h"

#include "stats_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static sq_stats_parser *const parsers[] = {
		sq_bsd_netstat_s, sq_bsd_netstat_m, sq_bsd_netstat_lan, sq_bsd_netstat_an,
		sq_bsd_vmstat_m,  sq_bsd_vmstat_z,  sq_bsd_top,         sq_bsd_pfctl,
		sq_bsd_sysctl,    sq_bsd_dmesg,
	};

	for (size_t i = 0; i < sizeof(parsers) / sizeof(parsers[0]); i++)
		fuzz_parse(parsers[i], (const char *)data, len);
	return 0;
}
