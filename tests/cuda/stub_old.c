/* stub_old.c -- a libcuda.so.1 of long ago: it tells its version and has little else. */
__attribute__((visibility("default"))) int cuDriverGetVersion(int *version);

int cuDriverGetVersion(int *version) {
    *version = 11040;
    return 0;
}
