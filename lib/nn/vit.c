#include "nn/encoder_impl.h"

struct encoder *
vit_new(struct store *s, const char *type, const struct encoder_how *how,
    struct error *e)
{
	(void)how;
	error_set(e, "'%s': '%s': vision transformers are not supported yet",
	    store_path(s), type);
	return NULL;
}
