#include <math.h>

#include "base/error.h"
#include "image/views.h"
#include "pictures.h"
#include "unit.h"

/*
 * Every family against the plain way to compute it: floating point, libm,
 * two passes, no tables.
 */

/* A view with flat fields, slopes and noise; seed 0 is all one colour. */
static void
paint(struct view *v, uint32_t seed)
{
	uint32_t s = seed;

	memset(v, 0, sizeof(*v));
	for (int y = 0; y < S; y++)
		for (int x = 0; x < S; x++) {
			int at = y * S + x, r, g, b, a = 255;

			s = s * 1664525 + 1013904223;
			r = x * 2;
			g = (x / 16 + y / 16) % 2 * 200;
			b = (int)(s >> 24);
			if (y > S / 2 && seed % 2 == 1)
				r = g = b = (x * y / 40) & 255;
			if ((x - 50) * (x - 50) + (y - 70) * (y - 70) > 2000)
				a = seed % 3 == 1 ? 0 : (int)(s >> 16 & 255);
			if (seed == 0) {
				r = g = b = 77;
				a = 0;
			}
			v->rgb[0][at] = (uint8_t)r;
			v->rgb[1][at] = (uint8_t)g;
			v->rgb[2][at] = (uint8_t)b;
			v->alpha[VIEW_MARGIN + at] = (uint8_t)a;
			v->grey[VIEW_MARGIN + at] =
			    (uint8_t)(0.299 * r + 0.587 * g + 0.114 * b + 0.5);
		}
}

static void
close_to(const float *got, const double *want, int n, double tolerance)
{
	for (int i = 0; i < n; i++)
		ck_assert_msg(fabs(got[i] - want[i]) <= tolerance,
		    "%d: %.8g, not %.8g", i, (double)got[i], want[i]);
}

/* The table's directions are 1/256 of a bin apart, its lengths 1/16: the
 * tolerance.  Cells of c x c, bins over 360 or 180 degrees. */
static void
plain_hog(double *out, const struct view *v, int c, int bins, double turn)
{
	static double cell[10][10][18];
	int size = S / c;

	memset(cell, 0, sizeof(cell));
	for (int y = 1; y < S - 1; y++)
		for (int x = 1; x < S - 1; x++) {
			double best = 0, dx = 0, dy = 0, bin, share;
			double(*h)[18] = &cell[1 + y / size][1 + x / size];
			int low;

			for (int p = 0; p < 3; p++) {
				const uint8_t *at = v->rgb[p] + y * S + x;
				double a = at[1] - at[-1];
				double b = at[S] - at[-S];

				if (a * a + b * b > best) {
					best = a * a + b * b;
					dx = a;
					dy = b;
				}
			}
			bin = atan2(dy, dx) / turn;
			bin = (bin - floor(bin)) * bins - 0.5;
			low = (int)floor(bin);
			share = bin - low;
			(*h)[(low + bins) % bins] +=
			    sqrt(best) / 255 * (1 - share);
			(*h)[(low + 1) % bins] += sqrt(best) / 255 * share;
		}
	for (int i = 0; i < c + 2; i++) {
		memcpy(cell[0][i], cell[1][i], sizeof(cell[0][i]));
		memcpy(cell[c + 1][i], cell[c][i], sizeof(cell[0][i]));
	}
	for (int i = 0; i < c + 2; i++) {
		memcpy(cell[i][0], cell[i][1], sizeof(cell[0][i]));
		memcpy(cell[i][c + 1], cell[i][c], sizeof(cell[0][i]));
	}
	for (int y = 1; y <= c; y++)
		for (int x = 1; x <= c; x++, out += bins) {
			memset(out, 0, (size_t)bins * sizeof(*out));
			for (int k = 0; k < 4; k++) {
				double norm = 1e-3;

				for (int j = 0; j < 4; j++)
					for (int b = 0; b < bins; b++) {
						double h =
						    cell[y - 1 + k / 2 + j / 2]
							[x - 1 + k % 2 + j % 2]
							[b];

						norm += h * h;
					}
				for (int b = 0; b < bins; b++)
					out[b] += fmin(0.2, cell[y][x][b] /
								sqrt(norm)) /
						  2;
			}
		}
}

START_TEST(hog)
{
	static struct gradients g;
	static struct view v;
	static struct votes votes;
	static double want[576];
	static float got[576];
	const uint8_t *const planes[] = { v.rgb[0], v.rgb[1], v.rgb[2] };
	const double half = 3.14159265358979323846;

	gradients_init(&g);
	paint(&v, (uint32_t)_i);
	votes_of(&votes, &g, planes, 3);
	ck_assert_ptr_eq(hog_coarse(got, &votes), got + 288);
	plain_hog(want, &v, 4, 18, 2 * half);
	close_to(got, want, 288, 3e-3);
	ck_assert_ptr_eq(hog_fine(got, &votes), got + 576);
	plain_hog(want, &v, 8, 9, half);
	close_to(got, want, 576, 3e-3);
}
END_TEST

/* The place of a code among those of at most two changes, or 58. */
static int
uniform(int code)
{
	int place = 0;

	for (int v = 0; v < 256; v++) {
		int changes = 0;

		for (int i = 0; i < 8; i++)
			changes += (v >> i & 1) != (v >> (i + 1) % 8 & 1);
		if (v == code)
			return changes <= 2 ? place : 58;
		place += changes <= 2;
	}
	return -1;
}

static void
plain_lbp(double *out, const uint8_t *px, int r, int t, int y0, int y1, int x0,
    int x1)
{
	static const int dy[] = { 0, -1, -1, -1, 0, 1, 1, 1 };
	static const int dx[] = { 1, 1, 0, -1, -1, -1, 0, 1 };
	double counts[59] = { 0 };

	for (int y = y0; y < y1; y++)
		for (int x = x0; x < x1; x++) {
			int code = 0;

			for (int i = 0; i < 8; i++)
				code |=
				    (px[(y + r * dy[i]) * S + x + r * dx[i]] >=
					px[y * S + x] + t)
				    << i;
			counts[uniform(code)]++;
		}
	for (int i = 0; i < 59; i++)
		out[i] = sqrt(counts[i] / ((y1 - y0) * (x1 - x0)));
}

START_TEST(lbp)
{
	static struct view v;
	static uint8_t code[S * S];
	const uint8_t *px = v.grey + VIEW_MARGIN;
	double want[5 * 59];
	float got[5 * 59];

	paint(&v, (uint32_t)_i);
	for (int r = 1; r <= 3; r++) {
		int h = S / 2, e = S - r;

		for (int t = 0; t < 300; t += t + 7) {
			lbp_whole(got, code, px, r, t);
			plain_lbp(want, px, r, t, r, e, r, e);
			close_to(got, want, 59, 1e-6);
			if (t > 255)
				break;
		}
		ck_assert_ptr_eq(lbp_quarters(got, code, px, r), got + 5 * 59);
		plain_lbp(want, px, r, 0, r, e, r, e);
		plain_lbp(want + 59, px, r, 0, r, h, r, h);
		plain_lbp(want + 118, px, r, 0, r, h, h, e);
		plain_lbp(want + 177, px, r, 0, h, e, r, h);
		plain_lbp(want + 236, px, r, 0, h, e, h, e);
		close_to(got, want, 5 * 59, 1e-6);
	}
}
END_TEST

START_TEST(color)
{
	static struct view v;
	double want[416] = { 0 };
	float got[416];

	paint(&v, (uint32_t)_i);
	for (int i = 0; i < S * S; i++) {
		double r = v.rgb[0][i], g = v.rgb[1][i], b = v.rgb[2][i];
		double most = fmax(r, fmax(g, b)),
		       d = most - fmin(r, fmin(g, b));
		double hue = 0, sat = most > 0 ? d / most : 0;
		double *half = want + (i < S * S / 2 ? 0 : 208);

		if (d > 0)
			hue = most == r   ? (g - b) / d + (g < b ? 6 : 0)
			      : most == g ? (b - r) / d + 2
					  : (r - g) / d + 4;
		half[(int)(r / 64) * 16 + (int)(g / 64) * 4 + (int)(b / 64)]++;
		half[64 + (int)fmin(11, floor(2 * hue)) * 12 +
		     (int)fmin(2, floor(3 * d / fmax(most, 1))) * 4 +
		     (int)(most / 64)]++;
		ck_assert(sat <= 1);
	}
	for (int i = 0; i < 416; i++)
		want[i] = sqrt(want[i] / (S * S / 2));
	ck_assert_ptr_eq(color_of(got, &v), got + 416);
	close_to(got, want, 416, 1e-6);
}
END_TEST

START_TEST(layout)
{
	static struct view v;
	double want[192];
	float got[192];

	paint(&v, (uint32_t)_i);
	for (int k = 0; k < 64; k++) {
		double m[3] = { 0 }, luma;

		for (int i = 0; i < 256; i++)
			for (int p = 0; p < 3; p++)
				m[p] += v.rgb[p][(k / 8 * 16 + i / 16) * S +
						 k % 8 * 16 + i % 16] /
					255. / 256;
		luma = 0.299 * m[0] + 0.587 * m[1] + 0.114 * m[2];
		want[3 * k] = luma;
		want[3 * k + 1] = m[2] - luma;
		want[3 * k + 2] = m[0] - luma;
	}
	ck_assert_ptr_eq(layout_of(got, &v), got + 192);
	close_to(got, want, 192, 1e-6);
}
END_TEST

START_TEST(moments)
{
	static struct view v;
	static double channel[6][S * S];
	double want[18];
	float got[26], lengths = 0;

	paint(&v, (uint32_t)_i);
	for (int i = 0; i < S * S; i++) {
		double r = v.rgb[0][i], g = v.rgb[1][i], b = v.rgb[2][i];
		double luma = v.grey[VIEW_MARGIN + i];
		double c[] = { luma, b - luma, r - luma, r, g, b };

		for (int k = 0; k < 6; k++)
			channel[k][i] = c[k];
	}
	for (int k = 0; k < 6; k++) {
		double mean = 0, var = 0, third = 0;

		for (int i = 0; i < S * S; i++)
			mean += channel[k][i] / (S * S);
		for (int i = 0; i < S * S; i++) {
			double d = channel[k][i] - mean;

			var += d * d / (S * S);
			third += d * d * d / (S * S);
		}
		var = fmax(var, 1);
		want[3 * k] = mean / 255;
		want[3 * k + 1] = sqrt(var) / 255;
		want[3 * k + 2] = third / pow(var, 1.5);
	}
	ck_assert_ptr_eq(moments_of(got, &v), got + 26);
	close_to(got, want, 18, 1e-5);
	for (int i = 18; i < 26; i++)
		lengths += got[i] * got[i];
	ck_assert_float_eq_tol(lengths, 1, 1e-5f);
}
END_TEST

START_TEST(shape)
{
	static const int order[10][2] = { { 2, 0 }, { 0, 2 }, { 1, 1 },
		{ 3, 0 }, { 0, 3 }, { 2, 1 }, { 1, 2 }, { 4, 0 }, { 0, 4 },
		{ 2, 2 } };
	static struct view v;
	double want[110] = { 0 }, sum = 0, cx = 0, cy = 0;
	float got[110];

	paint(&v, (uint32_t)_i);
	for (int y = 0; y < S; y++)
		for (int x = 0; x < S; x++) {
			double a = v.alpha[VIEW_MARGIN + y * S + x];

			sum += a;
			cx += a * x / S;
			cy += a * y / S;
			want[y / 16 * 8 + x / 16] += a / 255 / 256;
			want[77] += a > 5 && a < 250;
			want[78 + y / 8] += a / 255 / (8 * S);
			want[94 + x / 8] += a / 255 / (8 * S);
		}
	if (sum > 0) {
		cx /= sum;
		cy /= sum;
	}
	for (int y = 0; y < S; y++)
		for (int x = 0; x < S; x++)
			for (int k = 0; k < 10 && sum > 0; k++)
				want[64 + k] +=
				    v.alpha[VIEW_MARGIN + y * S + x] / sum *
				    pow((double)x / S - cx, order[k][0]) *
				    pow((double)y / S - cy, order[k][1]);
	want[74] = cx;
	want[75] = cy;
	want[76] = sum / (255. * S * S);
	want[77] = sqrt(want[77] / (S * S));
	ck_assert_ptr_eq(shape_of(got, &v), got + 110);
	close_to(got, want, 110, 1e-6);
}
END_TEST

static const uint8_t white[3] = { 255, 255, 255 };

START_TEST(families_have_names)
{
	struct features *f = features_new(NULL, white, NULL);
	struct error e;
	char name[64];

	ck_assert_str_eq(features_names(f), FEATURES_DEFAULT);
	features_free(f);
	f = features_new("aspect,hog", white, &e);
	ck_assert_str_eq(features_names(f), "hog,aspect");
	ck_assert_uint_eq(features_dim(f), 291);
	features_column(f, 287, name, sizeof(name));
	ck_assert_str_eq(name, "hog.287");
	features_column(f, 288, name, sizeof(name));
	ck_assert_str_eq(name, "aspect.0");
	features_free(f);
	f = features_new("all", white, &e);
	ck_assert_uint_eq(features_dim(f), 3589);
	features_free(f);
	ck_assert_ptr_null(features_new("hog,hug", white, &e));
	ck_assert_str_eq(e.text, "'hug' is no family of features");
	ck_assert_ptr_null(features_new("", white, &e));
	ck_assert_str_eq(e.text, "'' is no family of features");
}
END_TEST

static void
vector_of(
    float *out, const struct features *f, const char *name, struct views *v)
{
	struct image_how how = { .side = FEATURES_SIDE,
		.background = { 255, 255, 255 } };
	struct bytes b = load(name);
	struct image im;
	struct error e;

	ck_assert_int_eq(image_decode(&im, b.p, b.n, &how, &e), 0);
	ck_assert_int_eq(features_of(f, v, &im, out, &e), 0);
	image_free(&im);
	free(b.p);
}

/* All of the vector is written, it is finite, and the scratch memory of the
 * picture before leaves no trace. */
START_TEST(vectors_depend_on_the_picture_alone)
{
	static const char *const names[] = { "image/one.png", "image/wide.png",
		"image/grey.jpg", "image/rgba8.png", "image/exif6.jpg",
		"image/la8.png", "image/pal4-trns.png" };
	struct features *f = features_new("all", white, NULL);
	struct views *v = views_new();
	float a[3589], b[3589];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct views *fresh = views_new();

		for (int k = 0; k < 3589; k++)
			a[k] = b[k] = NAN;
		vector_of(a, f, names[i], v);
		vector_of(b, f, names[i], fresh);
		ck_assert_mem_eq(a, b, sizeof(a));
		for (int k = 0; k < 3589; k++)
			ck_assert_msg(isfinite(a[k]), "%s: %d", names[i], k);
		views_free(fresh);
	}
	/* Aspect comes last: of the picture as shown, 10 x 14 turned. */
	vector_of(a, f, "image/exif6.jpg", v);
	ck_assert_float_eq_tol(a[3586], logf(10.0f / 14), 1e-6f);
	ck_assert_float_eq_tol(a[3587], logf(140), 1e-5f);
	ck_assert_float_eq(a[3588], 0);
	views_free(v);
	features_free(f);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("features");
	TCase *t = tcase_create("core");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, hog, 0, 4);
	tcase_add_loop_test(t, lbp, 0, 4);
	tcase_add_loop_test(t, color, 0, 4);
	tcase_add_loop_test(t, layout, 0, 4);
	tcase_add_loop_test(t, moments, 0, 4);
	tcase_add_loop_test(t, shape, 0, 4);
	tcase_add_test(t, families_have_names);
	tcase_add_test(t, vectors_depend_on_the_picture_alone);
	suite_add_tcase(s, t);
	return unit_main(s);
}
