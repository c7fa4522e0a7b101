package io.mipd.control;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioChannelOption;
import io.netty.channel.socket.nio.NioServerDomainSocketChannel;
import io.netty.handler.codec.LineBasedFrameDecoder;
import io.netty.handler.timeout.IdleStateHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.net.ConnectException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.GroupPrincipal;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import java.nio.file.attribute.UserPrincipalNotFoundException;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import jdk.net.ExtendedSocketOptions;
import jdk.net.UnixDomainPrincipal;

/**
 * The daemon's end of the control protocol: a Unix domain socket that its owner may use, and a
 * group if one is named. Netty reads and writes in one thread of its own; answers are made
 * elsewhere. Nobody who connects can make it keep more than so many connections, and one request
 * and a bounded part of an answer for each.
 */
public final class ControlSocket implements AutoCloseable {
  /** Connections of those who may change things; as many again are for all others together. */
  static final int CONNECTIONS = 16;

  /** What waits to be written to one connection before no more is asked for, in octets. */
  private static final WriteBufferWaterMark WRITTEN = new WriteBufferWaterMark(16_384, 65_536);

  private static final Duration IDLE = Duration.ofSeconds(30);
  private static final int BACKLOG = 64;

  /** S_IFMT and S_IFSOCK of inode(7). */
  private static final int FILE_TYPE = 0xf000;

  private static final int SOCKET = 0xc000;

  private static final Set<PosixFilePermission> OWNER =
      PosixFilePermissions.fromString("rw-------");
  private static final Set<PosixFilePermission> OWNER_AND_GROUP =
      PosixFilePermissions.fromString("rw-rw----");

  private final Path path;
  private final EventLoopGroup thread;
  private final ChannelGroup channels;
  private boolean named;

  /** Makes the answers. Called in the socket's thread, which it must not keep waiting. */
  public interface Answers {
    /**
     * Whether a request changes something.
     *
     * @throws ControlException if there is no such request
     */
    boolean changes(ControlRequest request) throws ControlException;

    /** Whether it is only for who is on this machine and may change things. */
    default boolean isForThisMachine(ControlRequest request) {
      return false;
    }

    /**
     * @param socketThread where something may be worked out that would keep others waiting
     * @return what {@link Json} takes; fails with a {@link ControlException} where it refuses
     */
    CompletableFuture<Map<String, Object>> answer(ControlRequest request, Executor socketThread);
  }

  /**
   * @param path of the socket
   * @param group that may ask, too, for what changes nothing
   */
  public record Settings(Path path, Optional<String> group) {}

  private ControlSocket(Path path, EventLoopGroup thread, ChannelGroup channels) {
    this.path = path;
    this.thread = thread;
    this.channels = channels;
  }

  /**
   * Opens the socket; one that a dead daemon left is replaced.
   *
   * @throws IOException if it cannot, or a daemon answers there
   */
  public static ControlSocket open(Settings settings, Answers answers, EventLog events)
      throws IOException {
    Path path = settings.path().toAbsolutePath();
    Path folder = path.getParent();
    if (folder == null) {
      throw new IOException(path + ": not a name for a socket");
    }
    Files.createDirectories(folder);
    if (Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
      if (!isSocket(path)) {
        throw new IOException(path + " is there and no socket; give it another name");
      }
      if (isServed(path)) {
        throw new IOException("another mipd serves " + path);
      }
    }
    EventLoopGroup thread =
        new MultiThreadIoEventLoopGroup(
            1, new DefaultThreadFactory("control", true), NioIoHandler.newFactory());
    var socket =
        new ControlSocket(
            path, thread, new DefaultChannelGroup(thread.next(), /* stayClosed= */ true));
    try {
      socket.listen(folder, settings.group(), answers, events);
      return socket;
    } catch (IOException e) {
      socket.close();
      throw e;
    }
  }

  private static boolean isSocket(Path path) throws IOException {
    int mode = (int) Files.getAttribute(path, "unix:mode", LinkOption.NOFOLLOW_LINKS);
    return (mode & FILE_TYPE) == SOCKET;
  }

  private static boolean isServed(Path path) throws IOException {
    try {
      SocketChannel.open(UnixDomainSocketAddress.of(path)).close();
      return true;
    } catch (ConnectException e) {
      return false;
    }
  }

  /**
   * Listens in a folder that nobody else can enter, until the socket has its mode and its group;
   * then it gets its name.
   */
  private void listen(Path folder, Optional<String> group, Answers answers, EventLog events)
      throws IOException {
    Path closed = Files.createTempDirectory(folder, ".mipd");
    Path newborn = closed.resolve("s");
    try {
      var peers = new Peers(Files.getOwner(closed), root(folder));
      Channel server = bind(newborn, answers, events, peers);
      channels.add(server);
      if (group.isPresent()) {
        Files.getFileAttributeView(newborn, PosixFileAttributeView.class)
            .setGroup(groupOf(group.get()));
      }
      Files.setPosixFilePermissions(newborn, group.isPresent() ? OWNER_AND_GROUP : OWNER);
      Files.move(
          newborn, path, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
      named = true;
    } finally {
      Files.deleteIfExists(newborn);
      Files.delete(closed);
    }
  }

  private static UserPrincipal root(Path folder) throws IOException {
    // By its number: names may be anything.
    return folder.getFileSystem().getUserPrincipalLookupService().lookupPrincipalByName("0");
  }

  /** Whether this system has a group of that name. */
  public static boolean isGroup(String name) {
    try {
      groupOf(name);
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  private static GroupPrincipal groupOf(String name) throws IOException {
    try {
      return FileSystems.getDefault()
          .getUserPrincipalLookupService()
          .lookupPrincipalByGroupName(name);
    } catch (UserPrincipalNotFoundException e) {
      throw new IOException("there is no group " + name, e);
    }
  }

  private Channel bind(Path at, Answers answers, EventLog events, Peers peers) throws IOException {
    var bound =
        new ServerBootstrap()
            .group(thread)
            .channel(NioServerDomainSocketChannel.class)
            .option(ChannelOption.SO_BACKLOG, BACKLOG)
            .childOption(ChannelOption.ALLOCATOR, UnpooledByteBufAllocator.DEFAULT)
            .childOption(ChannelOption.WRITE_BUFFER_WATER_MARK, WRITTEN)
            .childHandler(
                new ChannelInitializer<Channel>() {
                  @Override
                  protected void initChannel(Channel channel) {
                    channels.add(channel);
                    channel
                        .pipeline()
                        .addLast(
                            new LineBasedFrameDecoder(
                                ControlRequest.LONGEST, /* stripDelimiter= */ true, true),
                            new IdleStateHandler(0, 0, IDLE.toSeconds(), TimeUnit.SECONDS),
                            new ControlConnection(peers, answers, events));
                  }
                })
            .bind(UnixDomainSocketAddress.of(at))
            .awaitUninterruptibly();
    if (bound.cause() != null) {
      throw new IOException(path + ": " + bound.cause().getMessage(), bound.cause());
    }
    return bound.channel();
  }

  /** Who is connected; in the socket's thread. */
  static final class Peers {
    private final UserPrincipal owner;
    private final UserPrincipal root;
    private int trusted;
    private int others;

    Peers(UserPrincipal owner, UserPrincipal root) {
      this.owner = owner;
      this.root = root;
    }

    /** Whether who is at the other end may change things (SO_PEERCRED of socket(7)). */
    boolean mayChange(Channel channel) {
      UnixDomainPrincipal peer =
          channel.config().getOption(NioChannelOption.of(ExtendedSocketOptions.SO_PEERCRED));
      return peer != null && (peer.user().equals(owner) || peer.user().equals(root));
    }

    /** Whether there is room for another one of that kind; takes it. */
    boolean enter(boolean mayChange) {
      if ((mayChange ? trusted : others) >= CONNECTIONS) {
        return false;
      }
      count(mayChange, 1);
      return true;
    }

    void leave(boolean mayChange) {
      count(mayChange, -1);
    }

    private void count(boolean mayChange, int change) {
      if (mayChange) {
        trusted += change;
      } else {
        others += change;
      }
    }
  }

  public Path path() {
    return path;
  }

  @Override
  public void close() throws IOException {
    channels.close().awaitUninterruptibly();
    thread.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly();
    // Only a socket of ours goes: another daemon's was refused to be replaced.
    if (named) {
      Files.deleteIfExists(path);
    }
  }
}
