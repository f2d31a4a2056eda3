// Secrets by libsodium. Sizes of keys are fixed by it and not repeated here; a key of another size
// is the caller's fault, and opening with one fails as with a wrong key.
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

// A new name survives a power cut only when its folder is synced, too.
absl::Status SyncFolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const int fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return absl::InternalError(Problem("can't open folder", folder));
  const bool synced = fsync(fd) == 0;
  close(fd);
  return synced ? absl::OkStatus() : absl::InternalError(Problem("can't fsync folder", folder));
}

// Leaves `text` empty. Short texts lie in the string itself, so what was moved away may be there
// still: all of its room is wiped. Not by memset, which a compiler may leave out before a free.
void Wipe(std::string& text) {
  text.resize(text.capacity());
  sodium_memzero(text.data(), text.size());
  text.clear();
}

}  // namespace

absl::Status InitializeCryptography() {
  // Also 1 (already done) is good.
  if (sodium_init() < 0) return absl::InternalError("libsodium found no source of randomness");
  return absl::OkStatus();
}

Secret::Secret(std::string bytes) : bytes_(std::move(bytes)) { Wipe(bytes); }

Secret::Secret(Secret&& other) noexcept : bytes_(std::move(other.bytes_)) { Wipe(other.bytes_); }

// A string that is assigned to may give its memory back as it is; so the old bytes go with a Secret
// of their own.
Secret& Secret::operator=(const Secret& other) {
  Secret copy(other);
  bytes_.swap(copy.bytes_);
  return *this;
}

Secret& Secret::operator=(Secret&& other) noexcept {
  Secret taken(std::move(other));
  bytes_.swap(taken.bytes_);
  return *this;
}

Secret::~Secret() { Wipe(bytes_); }

std::string RandomBytes(size_t size) {
  std::string bytes(size, '\0');
  randombytes_buf(bytes.data(), bytes.size());
  return bytes;
}

Secret RandomSecret(size_t size) { return Secret(RandomBytes(size)); }

bool EqualInConstantTime(absl::string_view a, absl::string_view b) {
  // The sizes may be told apart: they are no secret.
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string Hash256(absl::string_view bytes) {
  std::string hash(32, '\0');
  // The sizes are constants within libsodium's bounds, so it can't fail.
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
  // 24 random bytes never repeat in practice, so no counter has to be stored (XChaCha20).
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
  // The context says which secret it is, and holds none.
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
  // On the open file, so that it can't be exchanged between the look and the reading.
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
  // Editors and `echo` add them.
  while (!bytes.empty() && (bytes.back() == '\n' || bytes.back() == '\r')) bytes.pop_back();
  return Secret(std::move(bytes));
}

absl::Status WriteNewSecretFile(const std::string& path, absl::string_view bytes) {
  // O_EXCL: never over a key that is there, and never through a link that somebody has put there.
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
    // Half a key is worse than none: it would be read at the next start.
    unlink(path.c_str());
    return problem;
  }
  close(fd);
  return SyncFolderOf(path);
}

}  // namespace muster
