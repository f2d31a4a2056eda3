#include "server/command_log/node/checkpointer.h"

#include <utility>

namespace muster::server {
namespace {

// 64 MiB of 4-KiB pages. Smaller would checkpoint the same pages again and again; larger lengthens
// the look through the log for each read.
constexpr int kCheckpointPages = 16'384;

}  // namespace

Checkpointer::Checkpointer(Store& store) : store_(store), thread_([this] { Run(); }) {}

Checkpointer::~Checkpointer() { Stop(); }

void Checkpointer::Care() {
  bool finish = false;
  {
    MutexLock lock(mutex_);
    std::swap(finish, to_finish_);
  }
  if (finish) {
    // Only here nobody commits meanwhile: the log is wholly moved, and SQLite begins it anew at its
    // head instead of letting it grow.
    store_.CheckpointFromWriter();
    return;
  }
  if (store_.WalPages() < kCheckpointPages) return;
  MutexLock lock(mutex_);
  wanted_ = true;
  asked_.NotifyOne();
}

void Checkpointer::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    asked_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

void Checkpointer::Run() {
  for (;;) {
    {
      MutexLock lock(mutex_);
      while (!wanted_ && !stopping_) asked_.Wait(mutex_);
      if (stopping_) return;
      wanted_ = false;
    }
    // Beside transactions, for seconds maybe; what was committed meanwhile is left for the writer.
    store_.Checkpoint();
    MutexLock lock(mutex_);
    // Asked for once more while it ran: that is what the writer finishes now.
    wanted_ = false;
    to_finish_ = true;
  }
}

}  // namespace muster::server
