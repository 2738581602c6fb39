// The items of `zork-probe` on virtual threads of Java. Compiles with any javac from 17 on: what is newer is called by reflection.
// Each item runs once to warm up. See `zork-probe` for what is printed.

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.atomic.AtomicLong;

public final class Peer {
    private static final MethodHandle START;

    static {
        try {
            var type = MethodType.methodType(Thread.class, Runnable.class);
            START = MethodHandles.lookup().findStatic(Thread.class, "startVirtualThread", type);
        } catch (ReflectiveOperationException missing) {
            throw new ExceptionInInitializerError(missing);
        }
    }

    private interface Body {
        void run() throws Exception;
    }

    private interface Item {
        long run(long n) throws Exception;
    }

    private static Thread start(Body body) throws Exception {
        try {
            return (Thread) START.invokeExact((Runnable) () -> {
                try {
                    body.run();
                } catch (Exception failed) {
                    failed.printStackTrace();
                    System.exit(1);
                }
            });
        } catch (Throwable failed) {
            throw new Exception(failed);
        }
    }

    public static void main(String[] arguments) throws Exception {
        long n = Long.parseLong(arguments[1]);
        if (arguments[0].equals("live")) {
            live(n);
            return;
        }
        Item item = switch (arguments[0]) {
            case "yield" -> Peer::yields;
            case "spawn" -> Peer::spawns;
            case "tasks" -> Peer::tasks;
            case "ping-pong", "call-reply" -> Peer::pingPong;
            case "stream" -> Peer::stream;
            case "timer" -> Peer::timers;
            default -> throw new IllegalArgumentException("no such item: " + arguments[0]);
        };
        // As a virtual thread, like what it is compared with.
        start(() -> {
            if (!arguments[0].equals("timer")) {
                item.run(n);
            }
            long cpu = cpu();
            long start = System.nanoTime();
            long answer = item.run(n);
            long wall = System.nanoTime() - start;
            System.out.println("ok " + answer + " " + wall + " " + (cpu() - cpu));
        }).join();
    }

    // User and system time, in ticks of a hundredth of a second.
    private static long cpu() throws Exception {
        String stat = Files.readString(Path.of("/proc/self/stat"));
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
        return (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) * 10_000_000L;
    }

    private static long turns(long n) {
        for (long i = 0; i < n; i++) {
            Thread.yield();
        }
        return n;
    }

    private static long yields(long n) throws Exception {
        Thread other = start(() -> turns(n / 2));
        long mine = turns(n / 2);
        other.join();
        return mine * 2;
    }

    private static long spawns(long n) throws Exception {
        long[] sum = new long[1];
        for (long i = 0; i < n; i++) {
            start(() -> sum[0]++).join();
        }
        return sum[0];
    }

    private static long tasks(long n) throws Exception {
        AtomicLong sum = new AtomicLong();
        Thread[] threads = new Thread[(int) n];
        for (int i = 0; i < n; i++) {
            threads[i] = start(sum::incrementAndGet);
        }
        for (Thread thread : threads) {
            thread.join();
        }
        return sum.get();
    }

    private static long pingPong(long n) throws Exception {
        BlockingQueue<Long> there = new SynchronousQueue<>();
        BlockingQueue<Long> back = new SynchronousQueue<>();
        start(() -> {
            for (long i = 0; i < n; i++) {
                back.put(there.take() + 1);
            }
        });
        long last = 0;
        for (long i = 0; i < n; i++) {
            there.put(last);
            last = back.take();
        }
        return last;
    }

    private static long stream(long n) throws Exception {
        BlockingQueue<Long> values = new ArrayBlockingQueue<>(64);
        start(() -> {
            for (long i = 0; i < n; i++) {
                values.put(i);
            }
        });
        long count = 0;
        for (long i = 0; i < n; i++) {
            count += values.take() == i ? 1 : 0;
        }
        return count;
    }

    private static long timers(long n) throws Exception {
        AtomicLong sum = new AtomicLong();
        Thread[] threads = new Thread[100];
        for (int i = 0; i < threads.length; i++) {
            threads[i] = start(() -> {
                for (long j = 0; j < n / 100; j++) {
                    Thread.sleep(1);
                    sum.incrementAndGet();
                }
            });
        }
        for (Thread thread : threads) {
            thread.join();
        }
        return sum.get();
    }

    private static long resident() throws Exception {
        long sum = 0;
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith("VmRSS:") || line.startsWith("VmPTE:")) {
                sum += Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024;
            }
        }
        return sum;
    }

    private static void live(long n) throws Exception {
        long before = resident();
        long start = System.nanoTime();
        Semaphore gate = new Semaphore(0);
        AtomicLong arrived = new AtomicLong();
        AtomicLong passed = new AtomicLong();
        for (long i = 0; i < n; i++) {
            start(() -> {
                arrived.incrementAndGet();
                gate.acquire();
                passed.incrementAndGet();
            });
        }
        while (arrived.get() < n || gate.getQueueLength() < n) {
            Thread.sleep(1);
        }
        // What waits, not what was garbage on the way there.
        System.gc();
        long with = resident();
        gate.release((int) n);
        while (passed.get() < n) {
            Thread.sleep(1);
        }
        System.out.println("ok " + passed.get() + " " + (System.nanoTime() - start) + " " + before + " " + with);
    }
}
