#include "linalg/conv_plain.h"

const struct conv_kernels conv_portable = CONV_TABLE(NULL);
