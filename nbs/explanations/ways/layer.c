/* One layer of width 64 with four heads and RoPE, forward and backward, and its optimiser.

The same numbers as math_llm's Transformer, Muon and AdamW (a test compares them), in one piece: at
this size PyTorch spends most of its time between operations. Rows are problems of equal length. A
call reads t new inputs of each row behind the s0 that the cache holds, and gives the normalised
output of the last n. Backward calls come in the opposite order; what later inputs ask of the cached
keys and values is summed in dk and dv until the call that wrote them takes it over. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { D = 64, H = 4, W = 16, F = 256, V = 16 };
typedef float vec __attribute__((vector_size(64), aligned(4)));

/* Weights in the order of Transformer.named_parameters(); gradients and moments likewise. */
typedef struct {
    float embed[V * D], w1[D], b1[D], qkv[3 * D * D], out[D * D], w2[D], b2[D], up[F * D],
        down[D * F], w3[D], b3[D], head[V * D];
} Params;

typedef struct { float qkv[D * 3 * D], out[D * D], up[D * F], down[F * D]; } Turned;

typedef int ints __attribute__((vector_size(64), aligned(4)));
typedef float half __attribute__((vector_size(32)));
typedef float quarter __attribute__((vector_size(16)));

static inline float sum(vec a) {
    half b = __builtin_shufflevector(a, a, 0, 1, 2, 3, 4, 5, 6, 7)
             + __builtin_shufflevector(a, a, 8, 9, 10, 11, 12, 13, 14, 15);
    quarter c = __builtin_shufflevector(b, b, 0, 1, 2, 3)
                + __builtin_shufflevector(b, b, 4, 5, 6, 7);
    c += __builtin_shufflevector(c, c, 2, 3, 0, 1);
    return c[0] + c[1];
}

static inline vec either(ints yes, vec a, vec b) { return (vec)(((ints)a & yes) | ((ints)b & ~yes)); }

static inline vec exponential(vec x) { /* relative error below 1e-6; 0 for the very negative */
    x = either(x < -87.0f, (vec){0} - 87.0f, x);
    vec t = x * 1.44269504f, half_up = either(t >= 0, (vec){0} + 0.5f, (vec){0} - 0.5f);
    ints n = __builtin_convertvector(t + half_up, ints);
    vec r = x - __builtin_convertvector(n, vec) * 0.69314718f;
    vec y = 1 + r * (1 + r * (0.5f + r * (0.16666667f + r * (0.041666667f + r * (0.0083333333f
            + r * 0.0013888889f)))));
    return (vec)((ints)y + (n << 23));
}

/* c (m, n) += or = a b: a[i, p] stands at a[i*ai + p*ap], n is a multiple of 64 */
#define KERNEL(R) static void kernel##R(int k, const float *a, long ai, long ap, const float *b, \
                                        long ldb, float *c, long ldc, int add) {                 \
    vec s[R][4];                                                                                 \
    for (int i = 0; i < R; i++) for (int j = 0; j < 4; j++)                                      \
        s[i][j] = add ? *(vec *)(c + i * ldc + 16 * j) : (vec){0};                               \
    for (int p = 0; p < k; p++, b += ldb) {                                                      \
        vec b0 = *(vec *)b, b1 = *(vec *)(b + 16), b2 = *(vec *)(b + 32), b3 = *(vec *)(b + 48); \
        for (int i = 0; i < R; i++) {                                                            \
            float x = a[i * ai + p * ap];                                                        \
            s[i][0] += x * b0; s[i][1] += x * b1; s[i][2] += x * b2; s[i][3] += x * b3;          \
        }                                                                                        \
    }                                                                                            \
    for (int i = 0; i < R; i++) for (int j = 0; j < 4; j++)                                      \
        *(vec *)(c + i * ldc + 16 * j) = s[i][j];                                                \
}
KERNEL(1) KERNEL(6)

static void gemm(int m, int n, int k, const float *a, long ai, long ap, const float *b, long ldb,
                 float *c, long ldc, int add) {
    for (int j = 0; j < n; j += 64) {
        int i = 0;
        for (; i + 6 <= m; i += 6)
            kernel6(k, a + i * ai, ai, ap, b + j, ldb, c + i * ldc + j, ldc, add);
        for (; i < m; i++)
            kernel1(k, a + i * ai, ai, ap, b + j, ldb, c + i * ldc + j, ldc, add);
    }
}

static void transpose(int m, int n, const float *a, float *b) { /* (m, n) to (n, m) */
    for (int i = 0; i < m; i++) for (int j = 0; j < n; j++) b[j * m + i] = a[i * n + j];
}

static void norm(int rows, const float *x, const float *w, const float *b, float *hat, float *rstd,
                 float *y) {
    for (int r = 0; r < rows; r++, x += D, hat += D, y += D) {
        float mean = 0, var = 0;
        for (int i = 0; i < D; i++) mean += x[i];
        mean /= D;
        for (int i = 0; i < D; i++) var += (x[i] - mean) * (x[i] - mean);
        float s = rstd[r] = 1 / sqrtf(var / D + 1e-5f);
        for (int i = 0; i < D; i++) { hat[i] = (x[i] - mean) * s; y[i] = hat[i] * w[i] + b[i]; }
    }
}

static void norm_back(int rows, const float *dy, const float *w, const float *hat,
                      const float *rstd, float *dw, float *db, float *dx) { /* dx is added to */
    for (int r = 0; r < rows; r++, dy += D, hat += D, dx += D) {
        float m1 = 0, m2 = 0;
        for (int i = 0; i < D; i++) {
            float g = dy[i] * w[i];
            m1 += g; m2 += g * hat[i];
            dw[i] += dy[i] * hat[i]; db[i] += dy[i];
        }
        m1 /= D; m2 /= D;
        for (int i = 0; i < D; i++) dx[i] += (dy[i] * w[i] - m1 - hat[i] * m2) * rstd[r];
    }
}

static inline vec normal_cdf(vec x, vec e) { /* e = exp(-x²/2); Abramowitz-Stegun 7.1.26 */
    vec t = 1 / (1 + 0.3275911f * 0.70710678f * either(x >= 0, x, -x));
    vec p = ((((1.061405429f * t - 1.453152027f) * t + 1.421413741f) * t - 0.284496736f) * t
             + 0.254829592f) * t * e;
    return either(x >= 0, 1 - 0.5f * p, 0.5f * p);
}

static void gelu(long n, const float *u, float *g) {
    for (long i = 0; i < n; i += 16) {
        vec x = *(vec *)(u + i);
        *(vec *)(g + i) = x * normal_cdf(x, exponential(-0.5f * x * x));
    }
}

static void gelu_back(long n, const float *u, float *dg) {
    for (long i = 0; i < n; i += 16) {
        vec x = *(vec *)(u + i), e = exponential(-0.5f * x * x);
        *(vec *)(dg + i) *= normal_cdf(x, e) + x * 0.39894228f * e;
    }
}

static void rotate(float *x, const float *cs, const float *sn, float sign) { /* (D) */
    for (int h = 0; h < H; h++, x += W)
        for (int i = 0; i < W / 2; i++) {
            float a = x[i], b = x[i + W / 2], s = sign * sn[i];
            x[i] = a * cs[i] - b * s; x[i + W / 2] = b * cs[i] + a * s;
        }
}

/* What a call keeps for its backward call; sizes in floats, in this order */
typedef struct { float *hat1, *rstd1, *n1, *q, *p, *heads, *hat2, *rstd2, *n2, *u, *g, *hat3, *rstd3; } Kept;

static long padded(long s) { return (s + 15) & ~15; }

static long keep(float *m, long b, long t, long n, long s, Kept *k) {
    float *start = m;
    long r = b * t, q = b * n;
    k->hat1 = m; m += r * D; k->rstd1 = m; m += r; k->n1 = m; m += r * D; k->q = m; m += q * D;
    k->p = m; m += q * H * padded(s); k->heads = m; m += q * D; k->hat2 = m; m += q * D;
    k->rstd2 = m; m += q; k->n2 = m; m += q * D; k->u = m; m += q * F; k->g = m; m += q * F;
    k->hat3 = m; m += q * D; k->rstd3 = m; m += q;
    return m - start;
}

long kept_floats(long b, long t, long n, long s) { Kept k; return keep(0, b, t, n, s, &k); }

static void last(long b, long t, long n, const float *x, float *y) { /* (b, t, D) to (b, n, D) */
    for (long i = 0; i < b; i++)
        memcpy(y + i * n * D, x + (i * t + t - n) * D, sizeof(float) * n * D);
}

void turn(const Params *w, Turned *t) {
    transpose(3 * D, D, w->qkv, t->qkv); transpose(D, D, w->out, t->out);
    transpose(F, D, w->up, t->up); transpose(D, F, w->down, t->down);
}

/* x (b, t, D) to y (b, n, D); keys and values (b, room, D) get t more slots behind s0;
   seen (b, s0+t) or NULL: which slots may be looked at; angles (2, length, W/2) */
void forward(const Params *w, const Turned *wt, const float *angles, long length, long b, long t,
             long n, long s0, long room, const float *x, float *ks, float *vs,
             const unsigned char *seen, float *kept, float *y) {
    Kept k;
    long s = s0 + t, sp = padded(s), r = b * t, q = b * n;
    keep(kept, b, t, n, s, &k);
    norm(r, x, w->w1, w->b1, k.hat1, k.rstd1, k.n1);
    float *mid = malloc(sizeof(float) * q * D), *kv = malloc(sizeof(float) * r * 2 * D);
    gemm(r, 2 * D, D, k.n1, D, 1, wt->qkv + D, 3 * D, kv, 2 * D, 0);
    last(b, t, n, k.n1, mid);
    gemm(q, D, D, mid, D, 1, wt->qkv, 3 * D, k.q, D, 0);
    last(b, t, n, x, mid);
    for (long i = 0; i < b; i++) {
        float *kb = ks + i * room * D, *vb = vs + i * room * D;
        for (long j = 0; j < t; j++) {
            float *from = kv + (i * t + j) * 2 * D, *to = kb + (s0 + j) * D;
            memcpy(to, from, sizeof(float) * D);
            rotate(to, angles + (s0 + j) * W / 2, angles + (length + s0 + j) * W / 2, 1);
            memcpy(vb + (s0 + j) * D, from + D, sizeof(float) * D);
        }
        for (long j = 0; j < n; j++) {
            long at = s - n + j;
            float *qj = k.q + (i * n + j) * D, *out = k.heads + (i * n + j) * D;
            rotate(qj, angles + at * W / 2, angles + (length + at) * W / 2, 1);
            for (int h = 0; h < H; h++) {
                float *p = k.p + ((i * n + j) * H + h) * sp, most = -1e30f;
                vec qh = *(vec *)(qj + h * W) * 0.25f, o = {0}, total = {0};
                for (long l = 0; l <= at; l++) {
                    p[l] = seen && !seen[i * s + l] ? -1e30f : sum(qh * *(vec *)(kb + l * D + h * W));
                    most = p[l] > most ? p[l] : most;
                }
                for (long l = at + 1; l < sp; l++) p[l] = -1e30f;
                for (long l = 0; l < sp; l += 16)
                    total += *(vec *)(p + l) = exponential(*(vec *)(p + l) - most);
                float over = 1 / sum(total);
                for (long l = 0; l < sp; l += 16) *(vec *)(p + l) *= over;
                for (long l = 0; l <= at; l++) o += p[l] * *(vec *)(vb + l * D + h * W);
                *(vec *)(out + h * W) = o;
            }
        }
    }
    gemm(q, D, D, k.heads, D, 1, wt->out, D, mid, D, 1);
    norm(q, mid, w->w2, w->b2, k.hat2, k.rstd2, k.n2);
    gemm(q, F, D, k.n2, D, 1, wt->up, F, k.u, F, 0);
    gelu(q * F, k.u, k.g);
    gemm(q, D, F, k.g, F, 1, wt->down, D, mid, D, 1);
    norm(q, mid, w->w3, w->b3, k.hat3, k.rstd3, y);
    free(mid); free(kv);
}

/* Gradients: dy (b, n, D) in, dx (b, t, D) out, dw and dk, dv (b, room, D) added to;
   first: this is the first backward call on this cache */
void backward(const Params *w, const float *angles, long length, long b, long t, long n, long s0,
              long room, const float *ks, const float *vs, const float *kept, const float *dy,
              Params *dw, float *dk, float *dv, int first, float *dx) {
    Kept k;
    long s = s0 + t, sp = padded(s), r = b * t, q = b * n;
    keep((float *)kept, b, t, n, s, &k);
    float *dm = calloc(q * D, sizeof(float)), *du = malloc(sizeof(float) * q * F);
    float *dh = malloc(sizeof(float) * q * D), *dq = malloc(sizeof(float) * q * D);
    float *dks = malloc(sizeof(float) * r * D), *dvs = malloc(sizeof(float) * r * D);
    float *dn = malloc(sizeof(float) * r * D);
    if (first) for (long i = 0; i < b; i++) {
        memset(dk + i * room * D, 0, sizeof(float) * s * D);
        memset(dv + i * room * D, 0, sizeof(float) * s * D);
    }
    norm_back(q, dy, w->w3, k.hat3, k.rstd3, dw->w3, dw->b3, dm);
    gemm(q, F, D, dm, D, 1, w->down, F, du, F, 0);
    gemm(D, F, q, dm, 1, D, k.g, F, dw->down, F, 1);
    gelu_back(q * F, k.u, du);
    gemm(F, D, q, du, 1, F, k.n2, D, dw->up, D, 1);
    gemm(q, D, F, du, F, 1, w->up, D, dh, D, 0);
    norm_back(q, dh, w->w2, k.hat2, k.rstd2, dw->w2, dw->b2, dm);
    gemm(q, D, D, dm, D, 1, w->out, D, dh, D, 0);
    gemm(D, D, q, dm, 1, D, k.heads, D, dw->out, D, 1);
    for (long i = 0; i < b; i++) {
        const float *kb = ks + i * room * D, *vb = vs + i * room * D;
        float *dkb = dk + i * room * D, *dvb = dv + i * room * D;
        for (long j = 0; j < n; j++) {
            long at = s - n + j;
            for (int h = 0; h < H; h++) {
                long o = (i * n + j) * D + h * W;
                const float *p = k.p + ((i * n + j) * H + h) * sp;
                vec d = *(vec *)(dh + o), qh = *(vec *)(k.q + o), g = {0};
                float dp[at + 1], mean = 0;
                for (long l = 0; l <= at; l++) {
                    dp[l] = sum(d * *(vec *)(vb + l * D + h * W));
                    mean += dp[l] * p[l];
                    *(vec *)(dvb + l * D + h * W) += p[l] * d;
                }
                for (long l = 0; l <= at; l++) {
                    float ds = p[l] * (dp[l] - mean) * 0.25f;
                    g += ds * *(vec *)(kb + l * D + h * W);
                    *(vec *)(dkb + l * D + h * W) += ds * qh;
                }
                *(vec *)(dq + o) = g;
            }
            rotate(dq + (i * n + j) * D, angles + at * W / 2, angles + (length + at) * W / 2, -1);
        }
        for (long j = 0; j < t; j++) {
            float *to = dks + (i * t + j) * D;
            memcpy(to, dkb + (s0 + j) * D, sizeof(float) * D);
            rotate(to, angles + (s0 + j) * W / 2, angles + (length + s0 + j) * W / 2, -1);
            memcpy(dvs + (i * t + j) * D, dvb + (s0 + j) * D, sizeof(float) * D);
        }
    }
    last(b, t, n, k.n1, dh);
    gemm(D, D, q, dq, 1, D, dh, D, dw->qkv, D, 1);
    gemm(q, D, D, dq, D, 1, w->qkv, D, dh, D, 0);
    gemm(r, D, D, dks, D, 1, w->qkv + D * D, D, dn, D, 0);
    gemm(r, D, D, dvs, D, 1, w->qkv + 2 * D * D, D, dn, D, 1);
    gemm(D, D, r, dks, 1, D, k.n1, D, dw->qkv + D * D, D, 1);
    gemm(D, D, r, dvs, 1, D, k.n1, D, dw->qkv + 2 * D * D, D, 1);
    for (long i = 0; i < b; i++) for (long j = 0; j < n * D; j++)
        dn[(i * t + t - n) * D + j] += dh[i * n * D + j];
    memset(dx, 0, sizeof(float) * r * D);
    norm_back(r, dn, w->w1, k.hat1, k.rstd1, dw->w1, dw->b1, dx);
    for (long i = 0; i < b; i++) for (long j = 0; j < n * D; j++)
        dx[(i * t + t - n) * D + j] += dm[i * n * D + j];
    free(dm); free(du); free(dh); free(dq); free(dks); free(dvs); free(dn);
}

static void muon(int m, int n, float *w, const float *g, float *mean, float rate, float decay,
                 float scale) { /* as math_llm.optimisers.Muon */
    static const float abc[2][3] = {{7.2896f, -20.1333f, 14.4247f}, {2.9175f, -2.1824f, 0.4755f}};
    static float x[F * D * 3], y[F * D * 3], sq[D * D], st[D * D], a[D * D], all[D * D];
    float size = 0, bound = 0;
    int tall = m > n;
    for (int i = 0; i < m * n; i++) {
        mean[i] += (g[i] * scale - mean[i]) * 0.05f;
        x[i] = g[i] * scale + (mean[i] - g[i] * scale) * 0.95f;
        size += x[i] * x[i];
    }
    size = 1 / fmaxf(sqrtf(size), 1e-7f);
    for (int i = 0; i < m * n; i++) x[i] *= size;
    if (tall) gemm(D, D, m, x, 1, D, x, D, sq, D, 0);
    else { transpose(m, n, x, y); gemm(D, D, n, x, n, 1, y, D, sq, D, 0); }
    for (int j = 0; j < D * D; j++) bound += sq[j] * sq[j];
    bound = fmaxf(sqrtf(bound), 1e-7f);
    for (int j = 0; j < D * D; j++) sq[j] /= bound;
    for (int i = 0; i < m * n; i++) x[i] /= sqrtf(bound);
    for (int i = 0; i < 2; i++) {
        gemm(D, D, D, sq, D, 1, sq, D, st, D, 0);
        for (int j = 0; j < D * D; j++) st[j] = abc[i][1] * sq[j] + abc[i][2] * st[j];
        for (int j = 0; j < D; j++) st[j * D + j] += abc[i][0];
        if (i == 0) memcpy(all, st, sizeof st);
        else { gemm(D, D, D, st, D, 1, all, D, a, D, 0); memcpy(all, a, sizeof a); }
        if (i < 1) { gemm(D, D, D, st, D, 1, sq, D, a, D, 0); gemm(D, D, D, a, D, 1, st, D, sq, D, 0); }
    }
    if (tall) gemm(m, D, D, x, D, 1, all, D, y, D, 0);
    else gemm(D, n, D, all, D, 1, x, n, y, n, 0);
    float step = 0.2f * rate * sqrtf(m > n ? m : n);
    for (int i = 0; i < m * n; i++) w[i] = w[i] * (1 - rate * decay) - step * y[i];
}

static void adamw(int n, float *w, const float *g, float *m1, float *m2, float rate, float decay,
                  float scale, float c1, float c2) { /* betas 0.9 and 0.98 */
    for (int i = 0; i < n; i++) {
        float gi = g[i] * scale;
        m1[i] += (gi - m1[i]) * 0.1f;
        m2[i] += (gi * gi - m2[i]) * 0.02f;
        w[i] = w[i] * (1 - rate * decay) - rate * (m1[i] / c1) / (sqrtf(m2[i] / c2) + 1e-8f);
    }
}

/* One step: gradients times scale; Muon for the matrices of the block, AdamW for the others */
void update(Params *w, const Params *g, Params *m1, Params *m2, float rate, float decay,
            float scale, long step) {
    float c1 = 1 - pow(0.9, step), c2 = 1 - pow(0.98, step);
#define ADAM(f) adamw(sizeof(w->f) / 4, w->f, g->f, m1->f, m2->f, rate, decay, scale, c1, c2);
#define MUON(f, m, n) muon(m, n, w->f, g->f, m1->f, rate, decay, scale);
    ADAM(embed) ADAM(w1) ADAM(b1) ADAM(w2) ADAM(b2) ADAM(w3) ADAM(b3) ADAM(head)
    MUON(qkv, 3 * D, D) MUON(out, D, D) MUON(up, F, D) MUON(down, D, F)
}
