#include "linalg/conv_impl.h"

#if defined(__x86_64__)

#include "linalg/conv_plain.h"

const struct conv_kernels conv_fma = CONV_TABLE(NULL);

#endif
