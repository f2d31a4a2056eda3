#include "common/secrets/secrets.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace muster {
namespace {

const unsigned char* Bytes(absl::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* Bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

std::string Problem(absl::string_view what, absl::string_view path) {
  return absl::StrCat(what, " ", path, ": ", std::strerror(errno));
}

absl::Status SyncFolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const int fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return absl::InternalError(Problem("can't open folder", folder));
  const bool synced = fsync(fd) == 0;
  close(fd);
  return synced ? absl::OkStatus() : absl::InternalError(Problem("can't fsync folder", folder));
}

}  // namespace

absl::Status InitializeCryptography() {
  if (sodium_init() < 0) return absl::InternalError("libsodium found no source of randomness");
  return absl::OkStatus();
}

Secret::~Secret() { sodium_memzero(bytes_.data(), bytes_.size()); }

std::string RandomBytes(size_t size) {
  std::string bytes(size, '\0');
  randombytes_buf(bytes.data(), bytes.size());
  return bytes;
}

Secret RandomSecret(size_t size) { return Secret(RandomBytes(size)); }

bool EqualInConstantTime(absl::string_view a, absl::string_view b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string Hash256(absl::string_view bytes) {
  std::string hash(32, '\0');
  crypto_generichash(Bytes(hash), hash.size(), Bytes(bytes), bytes.size(), nullptr, 0);
  return hash;
}

std::string KeyedHash128(const Secret& key, absl::string_view bytes) {
  std::string hash(16, '\0');
  crypto_generichash(Bytes(hash), hash.size(), Bytes(bytes), bytes.size(), Bytes(key.Reveal()),
                     key.size());
  return hash;
}

std::string Seal(const Secret& key, absl::string_view context, absl::string_view plain) {
  std::string sealed = RandomBytes(crypto_aead_xchacha20poly1305_ietf_NPUBBYTES);
  const size_t nonce_size = sealed.size();
  sealed.resize(nonce_size + plain.size() + crypto_aead_xchacha20poly1305_ietf_ABYTES);
  crypto_aead_xchacha20poly1305_ietf_encrypt(Bytes(sealed) + nonce_size, nullptr, Bytes(plain),
                                             plain.size(), Bytes(context), context.size(), nullptr,
                                             Bytes(sealed), Bytes(key.Reveal()));
  return sealed;
}

absl::StatusOr<Secret> Open(const Secret& key, absl::string_view context,
                            absl::string_view sealed) {
  constexpr size_t kNonce = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
  constexpr size_t kTag = crypto_aead_xchacha20poly1305_ietf_ABYTES;
  if (sealed.size() < kNonce + kTag) {
    return absl::DataLossError(absl::StrCat("sealed ", context, " is too short"));
  }
  std::string plain(sealed.size() - kNonce - kTag, '\0');
  if (key.size() != crypto_aead_xchacha20poly1305_ietf_KEYBYTES ||
      crypto_aead_xchacha20poly1305_ietf_decrypt(
          Bytes(plain), nullptr, nullptr, Bytes(sealed) + kNonce, sealed.size() - kNonce,
          Bytes(context), context.size(), Bytes(sealed), Bytes(key.Reveal())) != 0) {
    return absl::DataLossError(
        absl::StrCat("sealed ", context, " does not open; is this the right master key file?"));
  }
  return Secret(std::move(plain));
}

absl::StatusOr<Secret> ReadSecretFile(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return errno == ENOENT ? absl::NotFoundError(Problem("can't open", path))
                           : absl::FailedPreconditionError(Problem("can't open", path));
  }
  struct stat status;
  if (fstat(fd, &status) != 0 || (status.st_mode & 077) != 0) {
    close(fd);
    return absl::FailedPreconditionError(
        absl::StrCat(path, " can be read by others; run: chmod 600 ", path));
  }
  std::string bytes(static_cast<size_t>(status.st_size), '\0');
  const ssize_t got = read(fd, bytes.data(), bytes.size());
  close(fd);
  if (got != static_cast<ssize_t>(bytes.size())) {
    return absl::FailedPreconditionError(Problem("can't read", path));
  }
  while (!bytes.empty() && (bytes.back() == '\n' || bytes.back() == '\r')) bytes.pop_back();
  return Secret(std::move(bytes));
}

absl::Status WriteNewSecretFile(const std::string& path, absl::string_view bytes) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) {
    return errno == EEXIST ? absl::AlreadyExistsError(Problem("can't make", path))
                           : absl::FailedPreconditionError(Problem("can't make", path));
  }
  const bool written =
      write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()) && fsync(fd) == 0;
  if (!written) {
    const absl::Status problem = absl::InternalError(Problem("can't write", path));
    close(fd);
    unlink(path.c_str());
    return problem;
  }
  close(fd);
  return SyncFolderOf(path);
}

}  // namespace muster
