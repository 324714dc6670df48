#include <string.h>

#include "base/num.h"
#include "base/pool.h"
#include "vec/runner.h"

/* "N", or "P%" of all records. */
static void
take_max_errors(const struct options *opt, struct runner_options *o)
{
	size_t n = strlen(opt->arg);
	char text[32];

	o->percent = n > 0 && opt->arg[n - 1] == '%';
	if (n < sizeof(text)) {
		memcpy(text, opt->arg, n + 1);
		text[n - (size_t)o->percent] = '\0';
		if (num_parse_double(
			text, 0, o->percent ? 100 : 1e15, &o->max_errors) == 0)
			return;
	}
	usage_error("%s: '%s' is neither a number nor a percentage", opt->shown,
	    opt->arg);
}

int
runner_option(const struct options *opt, int key, struct runner_options *o)
{
	switch (key) {
	case 'o':
		o->output = opt->arg;
		return 1;
	case 'f':
		o->format =
		    (enum vec_format)options_choice(opt, OUTPUT_FORMATS);
		return 1;
	case 'j':
		o->threads = (int)options_long(opt, 1, POOL_MAX);
		return 1;
	case 'q':
		o->quiet = 1;
		return 1;
	case 'v':
		o->verbose = 1;
		return 1;
	case RUNNER_KEY_NAME:
		o->part = opt->arg;
		return 1;
	case RUNNER_KEY_ON_ERROR:
		o->on_error = (enum runner_on_error)options_choice(
		    opt, "record|stop|keep");
		return 1;
	case RUNNER_KEY_MAX_ERRORS:
		take_max_errors(opt, o);
		return 1;
	case RUNNER_KEY_REUSE:
		o->reuse = opt->arg;
		return 1;
	case RUNNER_KEY_LIVE:
		o->live = 1;
		return 1;
	case RUNNER_KEY_PROGRESS:
		o->progress =
		    (enum progress_mode)options_choice(opt, "auto|never|json");
		return 1;
	default:
		return 0;
	}
}
